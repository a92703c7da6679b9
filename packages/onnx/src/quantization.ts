/**
 * Weights as integers in blocks that share a scale, symmetric about zero: w ≈ s·q.
 *
 * @example
 * ```ts
 * const unet = await UNet2DConditionModel.fromPretrained("./sdxl/unet", { dtype: { bits: 4, blockSize: 128 } });
 * ```
 */
export interface Quantization {
  /** Bits per weight. */
  readonly bits: 4 | 8;
  /** Weights that share a scale, along the input features. Larger ones take less memory and are less exact. @default 32 */
  readonly blockSize?: (typeof blockSizes)[number];
}

/** How many weights may share a scale. */
export const blockSizes = [16, 32, 64, 128, 256] as const;

/** Weights that share a scale where nothing else is asked for. */
export const DEFAULT_BLOCK = 32;

/**
 * Checks how weights are to be packed; `path` goes before the names of the settings.
 *
 * @throws RangeError for bits or a block size that there are none of.
 * @example
 * ```ts
 * checkQuantization({ bits: 4, blockSize: 128 });
 * ```
 */
export function checkQuantization(
  { bits, blockSize = DEFAULT_BLOCK }: { readonly bits?: unknown; readonly blockSize?: unknown },
  path = "",
): void {
  if (bits !== 4 && bits !== 8) throw new RangeError(`${path}bits: expected 4 or 8, got ${JSON.stringify(bits)}`);
  if (!blockSizes.some((size) => size === blockSize))
    throw new RangeError(
      `${path}blockSize: expected one of ${blockSizes.join(", ")}, got ${JSON.stringify(blockSize)}`,
    );
}
