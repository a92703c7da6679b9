import type { PackedForm } from "./pack-matrix.js";
import type { PackedFile, ScaleType } from "./packed-file.js";
import { checkQuantization, DEFAULT_BLOCK, type Quantization } from "./quantization.js";
import type { CheckpointTensor } from "./safetensors.js";

/** How a graph packs the weights of its Linear layers. */
export interface Packing extends PackedForm {
  /** A matrix `[out, in]` of a checkpoint, packed. */
  readonly file: (matrix: CheckpointTensor, scaleType: ScaleType) => PackedFile;
}

/**
 * What packs weights so; few applications do, and load it.
 *
 * @throws RangeError for bits or a block size that there are none of.
 * @example
 * ```ts
 * const config = unet2dConditionConfig(await readJson(file), file.name);
 * const network = unet2dCondition(checkpoint, config, { packing: await packingOf({ bits: 4 }) });
 * ```
 */
export async function packingOf({ bits, blockSize = DEFAULT_BLOCK }: Quantization): Promise<Packing> {
  const form = { bits, blockSize };
  checkQuantization(form);
  const { packedFile } = await import("./packed-file.js");
  return { ...form, file: (matrix, scaleType) => packedFile(matrix, form, scaleType) };
}
