/** A picture as browsers hold it: rows from top to bottom, each pixel as red, green, blue and alpha from 0 to 255. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `width · height · 4` bytes. */
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** Whether a value has the fields of an `ImageData`. */
export function isPixels(value: unknown): value is Pixels {
  return typeof value === "object" && value !== null && "width" in value && "height" in value && "data" in value;
}
