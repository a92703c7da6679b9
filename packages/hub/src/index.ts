export { byteText } from "./byte-text.js";
export type { DownloadProgress, HubOptions, HubWarning } from "./hub-options.js";
export type { PickedModel } from "./is-picked.js";
export { memoryModel } from "./memory-model.js";
export { type ModelSource, openSource } from "./open-source.js";
export { readJson, tryReadJson } from "./read-json.js";
export { pickedModel } from "./web-picked.js";
