export { memoryModel } from "./memory-model.js";
export { type ModelSource, openSource } from "./open-source.js";
export { readJson, tryReadJson } from "./read-json.js";
