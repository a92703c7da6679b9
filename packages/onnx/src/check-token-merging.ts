/** Which tokens are merged before self-attention (Bolya & Hoffman 2023, "Token Merging for Fast Stable Diffusion"). */
export interface TokenMerging {
  /** Share of the tokens that is merged into others, above 0 and up to 0.75. */
  readonly ratio: number;
  /** The coarsest resolution where tokens are merged: 1 is the finest alone, 2 that of half its sides too. @default 1 */
  readonly maxDownsample?: number;
}

/** @throws TypeError or RangeError naming the option, its value and what is accepted. */
export function checkTokenMerging(merging: TokenMerging): void {
  if (!(merging instanceof Object))
    throw new TypeError(`tokenMerging: expected an object such as { ratio: 0.5 }, got ${String(merging)}`);
  const { ratio, maxDownsample = 1 } = merging;
  if (!(ratio > 0 && ratio <= 0.75))
    throw new RangeError(`tokenMerging.ratio: expected above 0 and up to 0.75, got ${String(ratio)}`);
  if (!(Number.isInteger(Math.log2(maxDownsample)) && maxDownsample >= 1))
    throw new RangeError(`tokenMerging.maxDownsample: expected 1, 2, 4 or another power of 2, got ${maxDownsample}`);
}
