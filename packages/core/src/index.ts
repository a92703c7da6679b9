export { concat, repeatInterleave, slice, split } from "./batch.js";
export { concatChannels } from "./concat-channels.js";
export { type ElementType, elementTypes } from "./element-types.js";
export { LatentKitError, type LatentKitErrorCode } from "./errors.js";
export { floatToHalf, halfToFloat } from "./float16.js";
export type { ExternalFile, ModelFile, ModelFiles, ModelGraph } from "./model-files.js";
export { ndarray } from "./ndarray.js";
export { randomPerItem } from "./random-per-item.js";
export type { DrawOptions, DrawType, RandomSource } from "./random-source.js";
export { isRecord, readJson, readText } from "./read-json.js";
export { isRemote, localTensor, RemoteValuesError, remoteTensor, remoteTerms } from "./remote-tensor.js";
export { roundHalfEven } from "./round-half-even.js";
export { slerp } from "./slerp.js";
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
export {
  type TorchCudaRandom,
  type TorchCudaRandomOptions,
  type TorchCudaRandomState,
  torchCudaRandom,
} from "./torch-cuda-random.js";
export { type TorchRandom, type TorchRandomState, torchRandom } from "./torch-random.js";
export { type Term, weightedSum } from "./weighted-sum.js";
