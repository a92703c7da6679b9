import { checkSameShape, contiguous, dims, LatentKitError, roundHalfEven, type Tensor, tensor } from "@latentkit/core";
import type { Pixels } from "./pixels.js";
import { RgbaImage } from "./rgba-image.js";

const fround = Math.fround;

/**
 * Pictures `[batch, 3, height, width]` in [-1, 1] as 8-bit images: (x / 2 + ½) · 255, clamped, halves rounded to
 * even. (Diffusers: `VaeImageProcessor.postprocess`.)
 *
 * @throws RangeError when the tensor has another shape.
 * @throws LatentKitError `run-failed` when a value is NaN, which other programs show as a black picture.
 * @example
 * ```ts
 * const [image] = imageFromTensor(zeros([1, 3, 64, 96])); // grey, 96 wide and 64 high
 * ```
 */
export function imageFromTensor(image: Tensor): RgbaImage[] {
  const { B, H, W } = dims(image, "B 3 H W", "image");
  const { data } = contiguous(image);
  const size = 3 * H * W;
  return Array.from({ length: B }, (_, i) => {
    return new RgbaImage({ width: W, height: H, data: interleave(data.subarray(i * size, (i + 1) * size)) });
  });
}

/**
 * Images of one size as a tensor `[batch, 3, height, width]` in [-1, 1]; alpha is dropped.
 * (Diffusers: `VaeImageProcessor.preprocess`.) `imageFromTensor` gives back the same bytes.
 *
 * @throws RangeError when there is no image, or the sizes differ.
 * @example
 * ```ts
 * const image = new RgbaImage({ width: 1, height: 2, data: new Uint8Array(8) });
 * tensorFromImage(image).shape; // [1, 3, 2, 1]
 * ```
 */
export function tensorFromImage(images: Pixels | readonly Pixels[]): Tensor {
  const list: readonly Pixels[] = "width" in images ? [images] : images;
  const [first] = list;
  if (!first) throw new RangeError("images: expected at least one image, got none");
  const { width, height } = first;
  for (const image of list)
    checkSameShape({ shape: [height, width] }, { shape: [image.height, image.width] }, "images");
  const size = 3 * height * width;
  const data = new Float32Array(list.length * size);
  list.forEach((image, i) => {
    separate(image.data, data.subarray(i * size, (i + 1) * size));
  });
  return tensor(data, [list.length, 3, height, width]);
}

/** Colour planes to opaque RGBA pixels. */
function interleave(planes: Float32Array): Uint8Array {
  const area = planes.length / 3;
  const pixels = new Uint8Array(area * 4).fill(255);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < area; i++) pixels[4 * i + channel] = toByte(planes[channel * area + i]!);
  }
  return pixels;
}

/** RGBA pixels to colour planes. */
function separate(pixels: Pixels["data"], planes: Float32Array): void {
  const area = planes.length / 3;
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < area; i++) planes[channel * area + i] = toUnit(pixels[4 * i + channel]!);
  }
}

/** 0 … 255 to -1 … 1, in the float32 steps of the reference. */
function toUnit(byte: number): number {
  return 2 * fround(byte / 255) - 1;
}

/** -1 … 1 to 0 … 255, in the float32 steps of the reference. */
function toByte(value: number): number {
  if (Number.isNaN(value)) {
    throw new LatentKitError("run-failed", 'the picture contains NaN: the networks overflowed; try dtype: "fp32"');
  }
  const unit = Math.min(Math.max(fround(value / 2 + 0.5), 0), 1);
  return roundHalfEven(fround(unit * 255));
}
