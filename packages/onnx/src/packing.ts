import type { PackedFile, ScaleType } from "./packed-file.js";
import { DEFAULT_BLOCK, type Quantization } from "./quantization.js";
import type { CheckpointTensor } from "./safetensors.js";

/** How a graph packs the weights of its Linear layers. */
export interface Packing extends Required<Quantization> {
  /** A matrix `[out, in]` of a checkpoint, packed. */
  readonly file: (matrix: CheckpointTensor, scaleType: ScaleType) => PackedFile;
}

/** What packs weights so; few applications do, and load it. @throws RangeError for bits or a block size that there are none of. */
export async function packingOf({ bits, blockSize = DEFAULT_BLOCK }: Quantization): Promise<Packing> {
  const { checkQuantization, packedFile } = await import("./packed-file.js");
  const quantization = { bits, blockSize };
  checkQuantization(quantization);
  return { ...quantization, file: (matrix, scaleType) => packedFile(matrix, quantization, scaleType) };
}
