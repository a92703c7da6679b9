import { concat, contiguous, type Tensor } from "@latentkit/core";
import {
  type ImageSize,
  type ImageSource,
  loadImage,
  opaqueImage,
  type ResizeFilter,
  type RgbaImage,
  resizeImage,
  tensorFromImage,
} from "@latentkit/images";
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
  return inputList("image", image, (item) => (item.shape[1] === latentChannels ? latentChannels : 3));
}

/** Pictures of any kind as a list; `channelsOf` says how many channels a tensor has to have. */
export function inputList(
  name: string,
  inputs: ImageInputs,
  channelsOf: (item: Tensor) => number,
): readonly ImageInput[] {
  const list: readonly ImageInput[] = Array.isArray(inputs) ? inputs : [inputs];
  if (list.length === 0) throw new RangeError(`${name}: expected at least one picture, got none`);
  for (const item of list.filter(isTensor)) checkTensor(item, `images ${channelsOf(item)} height width`, name);
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
export async function imageTensor(
  list: readonly ImageInput[],
  factor: number,
  size: TargetSize,
  filter?: ResizeFilter,
): Promise<Tensor> {
  const tensors: Tensor[] = [];
  let wanted = size;
  for (const item of list) {
    if (isTensor(item)) {
      checkTensorSize(item, factor, wanted);
      tensors.push(contiguous(item));
      continue;
    }
    const picture = await loadImage(item);
    const target = targetOf(picture, factor, wanted);
    tensors.push(tensorFromImage(resizeImage(opaqueImage(picture), target, filter)));
    wanted = target;
  }
  return concat(tensors);
}

/** Tensors are taken as they are. */
function checkTensorSize(item: Tensor, factor: number, { height, width }: TargetSize): void {
  const size = pixelSize(item, factor);
  if ((height ?? size.height) === size.height && (width ?? size.width) === size.width) return;
  const wanted = `${width ?? size.width}x${height ?? size.height}`;
  throw new RangeError(`image: expected a tensor of ${wanted} pixels, as asked for, got ${size.width}x${size.height}`);
}

/** Width and height in pixels of a picture, or of what latents stand for. */
export function pixelSize(item: Tensor | RgbaImage, factor: number): ImageSize {
  if (!isTensor(item)) return item;
  const [, channels, height = 0, width = 0] = item.shape;
  const scale = channels === 3 || channels === 1 ? 1 : factor;
  return { width: width * scale, height: height * scale };
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

export function isTensor(input: ImageInput): input is Tensor {
  return input instanceof Object && "shape" in input && "stride" in input;
}
