export { concat, repeatInterleave, slice, split } from "./batch.js";
export { LatentKitError, type LatentKitErrorCode } from "./errors.js";
export type { ExternalFile, ModelFile, ModelFiles, ModelGraph } from "./model-files.js";
export { randomPerItem } from "./random-per-item.js";
export type { RandomSource } from "./random-source.js";
export { isRecord, readJson, readText } from "./read-json.js";
export {
  checkSameShape,
  contiguous,
  dims,
  isContiguous,
  type Shape,
  sizeOf,
  type Tensor,
  type TokenIds,
  tensor,
  tokenIds,
  zeros,
} from "./tensor.js";
export { type TorchRandomState, torchRandom } from "./torch-random.js";
export { type Term, weightedSum } from "./weighted-sum.js";
