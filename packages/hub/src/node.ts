export { browseModel } from "./browse-model.js";
export type { DownloadedModel } from "./cached-model.js";
export { type CachedModel, type CachedRevision, cachedModels } from "./cached-models.js";
export { downloadModel } from "./download-model.js";
export type { DownloadOptions } from "./model-request.js";
export { openModel } from "./open-model.js";
export { type RemovedModel, removeModel } from "./remove-model.js";
