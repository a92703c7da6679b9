export {
  connect,
  type OptionsOf,
  type PipelineName,
  type PipelineWorker,
  type RemoteLoadOptions,
  type RemotePipelineClass,
  type RemoteSource,
} from "./connect.js";
export { createPipelineWorker } from "./create-pipeline-worker.js";
export { exposePipeline } from "./expose-pipeline.js";
export type { RemotePipeline, RemoteRunOptions, SchedulerSettings } from "./remote-pipeline.js";
export type { NodeWorker, PageWorker, PipelineThread } from "./worker-link.js";
