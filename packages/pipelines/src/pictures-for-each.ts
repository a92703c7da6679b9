import type { ImageInputs } from "./image-input.js";

/** What steers each of several networks: with more than one, a list has an entry for each. @throws RangeError when it has not. */
export function picturesForEach(
  pictures: ImageInputs | readonly ImageInputs[] | undefined,
  count: number,
  network: string,
): readonly (ImageInputs | undefined)[] {
  if (count === 1) return [pictures as ImageInputs | undefined];
  if (pictures === undefined) return new Array<undefined>(count).fill(undefined);
  if (Array.isArray(pictures) && pictures.length === count) return pictures;
  const got = Array.isArray(pictures) ? pictures.length : "a single one";
  throw new RangeError(`controlImage: expected a list of ${count}, one for each ${network}, got ${got}`);
}
