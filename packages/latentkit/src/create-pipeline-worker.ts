import { startWorker } from "latentkit/platform";
import { type PipelineWorker, pipelineWorker } from "./connect.js";
import { linkTo } from "./worker-link.js";

/**
 * Pipelines in a worker of their own, which starts with the first of them and ends with the last. With a bundler that
 * does not know `new Worker(new URL(…))` in packages, write the worker's script yourself and use `connect`.
 *
 * @example
 * ```ts
 * const pipe = await createPipelineWorker().fromPretrained();
 * for await (const step of pipe.stream({ prompt: "panda", seed: 1 })) console.log(step.index);
 * await pipe.dispose();
 * ```
 */
export function createPipelineWorker(): PipelineWorker {
  return pipelineWorker(async () => linkTo(await startWorker()));
}
