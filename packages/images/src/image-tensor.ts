import { checkSameShape, contiguous, dims, LatentKitError, roundHalfEven, type Tensor, tensor } from "@latentkit/core";
import { luma } from "./luma.js";
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
  return planesOf(images, COLOURS, toUnit);
}

/** How a picture that steers is given to its network. */
export interface ConditionTensorOptions {
  /** 3 for the colours, 1 for the brightness (Pillow's `convert("L")`), which some T2I-Adapters take. @default 3 */
  readonly channels?: 1 | 3;
}

/**
 * Images of one size as ControlNets and T2I-Adapters take them, `[batch, channels, height, width]` in [0, 1]; alpha is
 * dropped. (Diffusers: `VaeImageProcessor` with `do_normalize=False`.)
 *
 * @throws RangeError when there is no image, the sizes differ, or for another number of channels.
 * @example
 * ```ts
 * const condition = conditionTensor(canny(await loadImage("photo.png")));
 * const residuals = await controlNet.predict(latents, 999, context, condition);
 * ```
 */
export function conditionTensor(
  images: Pixels | readonly Pixels[],
  { channels = 3 }: ConditionTensorOptions = {},
): Tensor {
  if (channels !== 1 && channels !== 3) throw new RangeError(`channels: expected 1 or 3, got ${channels}`);
  return planesOf(images, channels === 1 ? [brightness] : COLOURS, (byte) => byte / 255);
}

/** What one plane holds of the pixel at a place. */
type Plane = (pixels: Pixels["data"], at: number) => number;

const COLOURS: readonly Plane[] = [0, 1, 2].map((channel) => (pixels, at) => pixels[at + channel]!);
const brightness: Plane = (pixels, at) => luma(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);

/** Pictures of one size as planes of converted bytes. */
function planesOf(
  images: Pixels | readonly Pixels[],
  planes: readonly Plane[],
  convert: (byte: number) => number,
): Tensor {
  const list: readonly Pixels[] = "width" in images ? [images] : images;
  const [first] = list;
  if (!first) throw new RangeError("images: expected at least one image, got none");
  const { width, height } = first;
  for (const image of list)
    checkSameShape({ shape: [height, width] }, { shape: [image.height, image.width] }, "images");
  const area = height * width;
  const data = new Float32Array(list.length * planes.length * area);
  let at = 0;
  for (const { data: pixels } of list)
    for (const plane of planes) for (let i = 0; i < area; i++, at++) data[at] = convert(plane(pixels, 4 * i));
  return tensor(data, [list.length, planes.length, height, width]);
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
