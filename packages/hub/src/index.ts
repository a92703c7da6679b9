export { memoryModel } from "./memory-model.js";
export { readJson, tryReadJson } from "./read-json.js";
