import type { Pixels } from "./pixels.js";
import { RgbaImage } from "./rgba-image.js";

/** Height and width in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** One axis of a resampling: for each new position the old ones it is mixed from. */
interface Window {
  readonly first: number;
  /** Weights as fixed-point integers. */
  readonly weights: Int32Array;
}

/** How new pixels are mixed from old ones: Lanczos' filter over three lobes, or Keys' cubic over two pixels a side. */
export type ResizeFilter = "lanczos" | "bicubic";

/** A filter's curve, and how far it reaches. */
interface Kernel {
  readonly support: number;
  weight(x: number): number;
}

/** Bits after the point in a weight, so that sums of bytes stay within 32 bits. */
const PRECISION = 22;

/**
 * The picture in another size: byte for byte what Pillow's `Image.resize` gives with the same filter; Diffusers prepares
 * pictures with LANCZOS. Transparent pixels lend their neighbours no colour.
 *
 * @throws RangeError unless both sides are positive integers, and for an unknown filter.
 * @example
 * ```ts
 * const image = new RgbaImage({ width: 2, height: 1, data: new Uint8Array(8) });
 * resizeImage(image, { width: 64, height: 32 }).height; // 32
 * ```
 */
export function resizeImage(image: Pixels, { width, height }: ImageSize, filter: ResizeFilter = "lanczos"): RgbaImage {
  if (!Object.hasOwn(kernels, filter))
    throw new RangeError(`filter: expected one of ${Object.keys(kernels).join(", ")}, got ${filter}`);
  const kernel = kernels[filter];
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isInteger(side) || side < 1) throw new RangeError(`${name}: expected a positive integer, got ${side}`);
  }
  if (width === image.width && height === image.height) return new RgbaImage(image);
  const wide = resampleRows(premultiplied(image), width, kernel);
  const done = transposed(resampleRows(transposed(wide), height, kernel));
  return new RgbaImage(unpremultiplied(done));
}

/** Every row at a new width. */
function resampleRows(image: Pixels, width: number, kernel: Kernel): Pixels {
  if (width === image.width) return image;
  const windows = windowsOf(image.width, width, kernel);
  const data = new Uint8ClampedArray(width * image.height * 4);
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * image.width * 4, (y + 1) * image.width * 4);
    for (let x = 0; x < width; x++) mix(row, windows[x]!, data, (y * width + x) * 4);
  }
  return { width, height: image.height, data };
}

/** One pixel as the weighted sum of its window, rounded and clamped as Pillow does. */
function mix(row: Pixels["data"], { first, weights }: Window, out: Uint8ClampedArray, at: number): void {
  for (let channel = 0; channel < 4; channel++) {
    let sum = 1 << (PRECISION - 1);
    for (let i = 0; i < weights.length; i++) sum += row[(first + i) * 4 + channel]! * weights[i]!;
    out[at + channel] = sum >> PRECISION;
  }
}

/** Pillow's `precompute_coeffs`: the filter is widened when the picture shrinks. */
function windowsOf(from: number, to: number, { support, weight }: Kernel): Window[] {
  const scale = from / to;
  const spread = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support * spread + 0.5), 0);
    const last = Math.min(Math.trunc(center + support * spread + 0.5), from);
    const raw = Array.from({ length: last - first }, (_, j) => weight((j + first - center + 0.5) / spread));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: Int32Array.from(raw, (weight) => fixedPoint(weight / total)) };
  });
}

/** Rounded away from zero at halves. */
const fixedPoint = (weight: number): number => Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5));

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Keys 1981, equation 4, with a = -1/2. */
function cubic(x: number): number {
  const distance = Math.abs(x);
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? -0.5 * (((distance - 5) * distance + 8) * distance - 4) : 0;
}

const kernels: Readonly<Record<ResizeFilter, Kernel>> = {
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  bicubic: { support: 2, weight: cubic },
};

/** Rows as columns. */
function transposed({ width, height, data }: Pixels): Pixels {
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const out = new Uint8ClampedArray(data.length);
  const to = new Uint32Array(out.buffer);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) to[x * height + y] = from[y * width + x]!;
  return { width: height, height: width, data: out };
}

/** Colours times alpha, rounded as Pillow does (`MULDIV255`). */
function premultiplied({ width, height, data }: Pixels): Pixels {
  const out = new Uint8ClampedArray(data);
  for (let i = 0; i < out.length; i++) {
    if (i % 4 === 3) continue;
    const product = out[i]! * out[i | 3]! + 128;
    out[i] = ((product >> 8) + product) >> 8;
  }
  return { width, height, data: out };
}

/** Colours over alpha, cut to integers as Pillow does. */
function unpremultiplied({ width, height, data }: Pixels): Pixels {
  const out = new Uint8ClampedArray(data);
  for (let i = 0; i < out.length; i++) {
    const alpha = out[i | 3]!;
    if (i % 4 !== 3 && alpha !== 0) out[i] = Math.trunc((255 * out[i]!) / alpha);
  }
  return { width, height, data: out };
}
