import { concat, contiguous, type Tensor } from "@latentkit/core";
import { type ImageSource, loadImage, RgbaImage, resizeImage, tensorFromImage } from "@latentkit/images";
import type { LatentCodec } from "@latentkit/models";
import { checkTensor } from "./option-checks.js";

/**
 * A picture to begin from: anything that `loadImage` reads, pictures as a tensor `[images, 3, height, width]` in [-1, 1],
 * or their latents as another run gave them, `[images, channels, height / 8, width / 8]`.
 */
export type ImageInput = ImageSource | Tensor;

/** One, or several. */
export type ImageInputs = ImageInput | readonly ImageInput[];

/** The size that pictures are brought to. */
export interface TargetSize {
  /** In pixels. @default the first picture's, cut to a multiple of the autoencoder's factor */
  readonly height?: number | undefined;
  /** In pixels. @default the first picture's, cut to a multiple of the autoencoder's factor */
  readonly width?: number | undefined;
}

/** Inputs as a list. @throws TypeError when there is none; RangeError for tensors of other shapes, and an empty list. */
export function imageList(image: ImageInputs | undefined, { latentChannels }: LatentCodec): readonly ImageInput[] {
  if (image === undefined || image === null)
    throw new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none");
  const list: readonly ImageInput[] = Array.isArray(image) ? image : [image];
  if (list.length === 0) throw new RangeError("image: expected at least one picture, got none");
  for (const item of list.filter(isTensor)) {
    const channels = item.shape[1] === latentChannels ? latentChannels : 3;
    checkTensor(item, `images ${channels} height width`, "image");
  }
  return list;
}

/** How many pictures a list holds; a tensor may hold several. */
export function imageCount(list: readonly ImageInput[]): number {
  return list.reduce((sum: number, item) => sum + (isTensor(item) ? (item.shape[0] ?? 0) : 1), 0);
}

/**
 * Pictures as one tensor, `[images, 3, height, width]` in [-1, 1]; latents as they are. Pictures of another size are
 * resized, and alpha is dropped (Diffusers' `VaeImageProcessor.preprocess`).
 */
export async function imageTensor(list: readonly ImageInput[], factor: number, size: TargetSize): Promise<Tensor> {
  const tensors: Tensor[] = [];
  let wanted = size;
  for (const item of list) {
    if (isTensor(item)) {
      tensors.push(contiguous(item));
      continue;
    }
    const picture = await loadImage(item);
    const target = targetOf(picture, factor, wanted);
    tensors.push(tensorFromImage(resizeImage(opaque(picture), target)));
    wanted = target;
  }
  return concat(tensors);
}

function targetOf(picture: RgbaImage, factor: number, { height, width }: TargetSize) {
  const cut = (side: number) => side - (side % factor);
  const target = { height: height ?? cut(picture.height), width: width ?? cut(picture.width) };
  if (target.height > 0 && target.width > 0) return target;
  const found = `${picture.width}x${picture.height}`;
  throw new RangeError(
    `image: expected at least ${factor} pixels a side, got ${found}; give height and width to enlarge it`,
  );
}

/** Colours as they are in the file, also where it is transparent. */
function opaque({ width, height, data }: RgbaImage): RgbaImage {
  return new RgbaImage({ width, height, data: data.map((value, i) => (i % 4 === 3 ? 255 : value)) });
}

function isTensor(input: ImageInput): input is Tensor {
  return input instanceof Object && "shape" in input && "stride" in input;
}
