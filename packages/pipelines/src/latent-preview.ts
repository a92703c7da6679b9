import { contiguous, type Tensor, tensor } from "@latentkit/core";
import { imageFromTensor, RgbaImage } from "@latentkit/images";
import { checkCount } from "./option-checks.js";

/**
 * A linear map from latents in the pipelines' units to colours in [-1, 1]: red, green and blue that one unit of each
 * channel adds, and in one more row, where there is one, those of zero latents.
 */
export type LatentMatrix = readonly (readonly [red: number, green: number, blue: number])[];

/** How large a linear preview is. */
export interface LatentPreviewOptions {
  /** Pixels per latent along a side. @default 1 */
  readonly scale?: number | undefined;
}

/**
 * Latents `[images, channels, height, width]` as rough pictures, without any network: every latent is the colour that a
 * matrix makes of it. A sketch of the composition, at no cost.
 *
 * @throws RangeError unless the matrix has a row for each channel, or one more; or when `scale` is no positive integer.
 * @example
 * ```ts
 * const matrix = await fitLatentMatrix(pipe.components.vae);
 * const [sketch] = latentPreview(latents, matrix, { scale: 8 });
 * ```
 */
export function latentPreview(
  latents: Tensor,
  matrix: LatentMatrix,
  { scale = 1 }: LatentPreviewOptions = {},
): RgbaImage[] {
  checkCount("scale", scale);
  return imageFromTensor(colours(latents, matrix)).map((image) => enlarged(image, scale));
}

/** Each latent times the matrix: `[images, channels, height, width]` → `[images, 3, height, width]`. */
function colours(latents: Tensor, matrix: LatentMatrix): Tensor {
  const [images = 0, channels = 0, height = 0, width = 0] = latents.shape;
  checkMatrix(matrix, channels, latents);
  const { data } = contiguous(latents);
  const area = height * width;
  const out = new Float32Array(images * 3 * area);
  for (let plane = 0; plane < images * 3; plane++) {
    const colour = out.subarray(plane * area, (plane + 1) * area);
    colour.fill(matrix[channels]?.[plane % 3] ?? 0);
    for (let channel = 0; channel < channels; channel++) {
      const factor = matrix[channel]?.[plane % 3] ?? 0;
      const from = (Math.floor(plane / 3) * channels + channel) * area;
      for (let i = 0; i < area; i++) colour[i]! += factor * data[from + i]!;
    }
  }
  return tensor(out, [images, 3, height, width]);
}

function checkMatrix(matrix: LatentMatrix, channels: number, { shape }: Tensor): void {
  if (shape.length !== 4)
    throw new RangeError(`latents: expected shape [images, channels, height, width], got [${shape.join(", ")}]`);
  if (matrix.length === channels || matrix.length === channels + 1) return;
  throw new RangeError(`matrix: expected ${channels} rows, or ${channels + 1} with a constant, got ${matrix.length}`);
}

/** Every pixel as a square of `scale` pixels a side. */
function enlarged({ width, height, data }: RgbaImage, scale: number): RgbaImage {
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const to = new Uint32Array(width * height * scale * scale);
  const row = width * scale;
  for (let y = 0; y < height; y++) {
    const first = y * scale * row;
    for (let x = 0; x < width; x++) to.fill(from[y * width + x]!, first + x * scale, first + (x + 1) * scale);
    for (let copy = 1; copy < scale; copy++) to.copyWithin(first + copy * row, first, first + row);
  }
  return new RgbaImage({ width: row, height: height * scale, data: new Uint8Array(to.buffer) });
}
