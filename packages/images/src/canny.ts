import { greyImage } from "./grey.js";
import type { Pixels } from "./pixels.js";
import type { RgbaImage } from "./rgba-image.js";

/** How steep the brightness must be at an edge: sums of both Sobel derivatives, 0 to 2040. */
export interface CannyOptions {
  /** Pixels above it that touch an edge belong to the edge. @default 100 */
  readonly lowThreshold?: number;
  /** Pixels above it are edges. @default 200 */
  readonly highThreshold?: number;
}

/** Derivatives at each pixel, of the colour in which they are largest. All have a border one pixel wide. */
interface Gradients {
  readonly width: number;
  readonly height: number;
  readonly dx: Int16Array;
  readonly dy: Int16Array;
  /** |dx| + |dy|; 0 in the border. */
  readonly magnitude: Int16Array;
}

/**
 * Edges as white lines one pixel wide on black (Canny 1986): pixel for pixel what OpenCV's
 * `cv2.Canny(image, lowThreshold, highThreshold)` gives for an RGB picture, which ControlNets were trained on. Alpha has no say.
 *
 * @throws RangeError for thresholds that are no numbers of 0 or more.
 * @example
 * ```ts
 * const edges = canny(await loadImage("photo.png"), { lowThreshold: 50, highThreshold: 150 });
 * await edges.save("edges.png");
 * ```
 */
export function canny(image: Pixels, { lowThreshold = 100, highThreshold = 200 }: CannyOptions = {}): RgbaImage {
  for (const [name, value] of Object.entries({ lowThreshold, highThreshold }))
    if (!(value >= 0)) throw new RangeError(`${name}: expected a number of 0 or more, got ${value}`);
  const [low, high] = [lowThreshold, highThreshold].map(Math.floor).toSorted((a, b) => a - b);
  return drawn(connected(gradientsOf(image), low ?? 0, high ?? 0), image);
}

function gradientsOf(image: Pixels): Gradients {
  const { width, height } = image;
  const size = (width + 2) * (height + 2);
  const [dx, dy, magnitude] = [new Int16Array(size), new Int16Array(size), new Int16Array(size)];
  const gradients = { width, height, dx, dy, magnitude };
  for (let channel = 0; channel < 3; channel++) addChannel(gradients, borderedChannel(image, channel));
  return gradients;
}

/** One colour; beyond the border lies what lies on it. */
function borderedChannel({ width, height, data }: Pixels, channel: number): Uint8Array {
  const out = new Uint8Array((width + 2) * (height + 2));
  for (let y = 0, at = 0; y < height + 2; y++) {
    const row = Math.min(Math.max(y - 1, 0), height - 1) * width;
    for (let x = 0; x < width + 2; x++, at++)
      out[at] = data[4 * (row + Math.min(Math.max(x - 1, 0), width - 1)) + channel]!;
  }
  return out;
}

/** Keeps the derivatives of a colour, by the 3×3 kernels of Sobel and Feldman, where they are the largest so far. */
function addChannel({ width, height, dx, dy, magnitude }: Gradients, values: Uint8Array): void {
  const stride = width + 2;
  for (let y = 1; y <= height; y++) {
    for (let x = 1; x <= width; x++) {
      const at = y * stride + x;
      const falling = values[at + stride + 1]! - values[at - stride - 1]!;
      const rising = values[at - stride + 1]! - values[at + stride - 1]!;
      const gx = falling + rising + 2 * (values[at + 1]! - values[at - 1]!);
      const gy = falling - rising + 2 * (values[at + stride]! - values[at - stride]!);
      const steepness = Math.abs(gx) + Math.abs(gy);
      if (steepness <= magnitude[at]!) continue;
      magnitude[at] = steepness;
      dx[at] = gx;
      dy[at] = gy;
    }
  }
}

/** The ridges that rise above `high` somewhere, followed down to `low`. */
function connected(gradients: Gradients, low: number, high: number): Uint8Array {
  const { width, height, magnitude } = gradients;
  const stride = width + 2;
  const isRidge = new Uint8Array(magnitude.length);
  const isEdge = new Uint8Array(magnitude.length);
  const open: number[] = [];
  const mark = (at: number) => {
    isEdge[at] = 1;
    open.push(at);
  };
  for (let at = stride + 1; at < stride * (height + 1); at++) {
    if (magnitude[at]! <= low || !isSteepest(gradients, at)) continue;
    isRidge[at] = 1;
    if (magnitude[at]! > high) mark(at);
  }
  const around = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const step of around) if (isRidge[at + step] && !isEdge[at + step]) mark(at + step);
  return isEdge;
}

/** tan 22.5° with 15 bits after the point. */
const TAN_22 = 13573;

/** Whether the picture is nowhere steeper across the edge: along the axis or the diagonal that its gradient is nearest to. */
function isSteepest({ width, dx, dy, magnitude }: Gradients, at: number): boolean {
  const stride = width + 2;
  const [gx, gy, here] = [dx[at]!, dy[at]!, magnitude[at]!];
  const [x, y] = [Math.abs(gx), Math.abs(gy) * 2 ** 15];
  // of two that are as steep the first counts
  const beats = (step: number) => here > magnitude[at - step]! && here >= magnitude[at + step]!;
  if (y < x * TAN_22) return beats(1);
  if (y > x * (TAN_22 + 2 ** 16)) return beats(stride);
  const diagonal = gx < 0 !== gy < 0 ? stride - 1 : stride + 1;
  return here > magnitude[at - diagonal]! && here > magnitude[at + diagonal]!;
}

/** White where there is an edge, without the border. */
function drawn(isEdge: Uint8Array, { width, height }: Pixels): RgbaImage {
  return greyImage({ width, height }, (x, y) => (isEdge[(y + 1) * (width + 2) + x + 1] ? 255 : 0));
}
