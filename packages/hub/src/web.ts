export type { PickedModel } from "./is-picked.js";
export { openModel } from "./open-web-model.js";
export { cacheStore } from "./web-cache-store.js";
export { type CachedWebFile, type CachedWebModel, cachedModels, removeModel } from "./web-cached-models.js";
export { opfsStore } from "./web-opfs-store.js";
export type { WebHubOptions } from "./web-options.js";
export { pickedModel } from "./web-picked.js";
export type { BlobStore } from "./web-store.js";
