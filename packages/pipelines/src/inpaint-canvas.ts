import { concat, dims, type Tensor, tensor } from "@latentkit/core";
import {
  applyOverlay,
  cropImage,
  fillImage,
  type ImageBox,
  type ImageSize,
  loadImage,
  maskFromAlpha,
  maskRegion,
  maskTensor,
  type RgbaImage,
  resizeImage,
  tensorFromImage,
} from "@latentkit/images";
import { type ImageInput, imageTensor, isTensor, pixelSize } from "./image-input.js";
import type { InpaintRequest } from "./inpaint-request.js";

/** A picture as tensor, or one that has been read. */
type Picture = RgbaImage | Tensor;

/** What is painted on, all read. */
export interface Canvas {
  /** `[pictures, 3, height, width]` in [-1, 1], or latents as they were given. */
  readonly image: Tensor;
  /** 1 where it is to be painted anew, else 0, `[masks, 1, height, width]`. */
  readonly mask: Tensor;
  /** Whether there is nothing to paint. */
  readonly isUntouched: boolean;
  /** What was painted where it belongs. */
  readonly finish: (images: readonly RgbaImage[]) => RgbaImage[];
}

/**
 * Reads pictures and masks, and brings them to the size of the run.
 *
 * @throws RangeError when a mask has another size than its picture; TypeError when there is none, and nothing is transparent.
 */
export async function readCanvas(request: InpaintRequest, factor: number): Promise<Canvas> {
  const { pictures, masks, isUntouched, box } = await readPictures(request, factor);
  const { crop } = request;
  return {
    ...(box && crop ? croppedPart(pictures, masks, box, crop.size) : await wholePart(pictures, masks, factor, request)),
    isUntouched,
    finish(images) {
      if (!request.overlay && !isUntouched) return [...images];
      return images.map((image, i) => laidUnder(image, inTurn(pictures, i), inTurn(masks, i), box));
    },
  };
}

/** The part of a picture that a run paints alone, and the size of the whole. */
export interface PaintedPart {
  readonly box: ImageBox;
  readonly of: ImageSize;
}

/** Which part is painted alone; undefined where it is all of the picture, or nothing. @throws as `readCanvas` does. */
export async function paintedPart(request: InpaintRequest, factor: number): Promise<PaintedPart | undefined> {
  if (!request.crop) return undefined;
  const { pictures, box } = await readPictures(request, factor);
  return box && { box, of: pixelSize(pictures[0]!, factor) };
}

/** Pictures and masks, and the part to paint alone. */
async function readPictures(request: InpaintRequest, factor: number) {
  const pictures = await readAll(request.list);
  const masks = request.masks ? await readAll(request.masks) : pictures.map(erasedPart);
  checkSizes(pictures, masks, factor);
  const isUntouched = masks.every((mask) => sizedMask(mask).data.every((value) => value === 0));
  const crop = isUntouched ? undefined : request.crop;
  const box = crop && maskRegion(pictureOf(masks[0]!), crop.size, crop.padding);
  return { pictures, masks, isUntouched, box };
}

/** Latents have no pixels to lay over anything. */
function laidUnder(image: RgbaImage, original: Picture, mask: Picture, box: ImageBox | undefined): RgbaImage {
  return isTensor(original) || isTensor(mask) ? image : applyOverlay(mask, original, image, box);
}

const inTurn = <Value>(list: readonly Value[], i: number): Value => list[i % list.length]!;

function readAll(list: readonly ImageInput[]): Promise<Picture[]> {
  return Promise.all(list.map(async (item) => (isTensor(item) ? item : loadImage(item))));
}

function erasedPart(picture: Picture): RgbaImage {
  const isErased = !isTensor(picture) && picture.data.some((value, i) => i % 4 === 3 && value < 255);
  if (isErased) return maskFromAlpha(picture);
  throw new TypeError(
    "maskImage: expected a mask, or an image that is transparent where it is to be painted, got none",
  );
}

function checkSizes(pictures: readonly Picture[], masks: readonly Picture[], factor: number): void {
  for (const [i, mask] of masks.entries()) {
    const [expected, found] = [pixelSize(inTurn(pictures, i), factor), pixelSize(mask, factor)];
    if (expected.width === found.width && expected.height === found.height) continue;
    const size = `the image's size, ${expected.width}x${expected.height}`;
    throw new RangeError(`maskImage: expected ${size}, got ${found.width}x${found.height}`);
  }
}

async function wholePart(
  pictures: readonly Picture[],
  masks: readonly Picture[],
  factor: number,
  { size }: InpaintRequest,
): Promise<Pick<Canvas, "image" | "mask">> {
  const image = await imageTensor(pictures, factor, size);
  const target = pixelSize(image, factor);
  return { image, mask: concat(masks.map((mask) => sizedMask(mask, target))) };
}

function croppedPart(pictures: readonly Picture[], masks: readonly Picture[], box: ImageBox, size: ImageSize) {
  const part = (picture: Picture) => fillImage(cropImage(pictureOf(picture), box), size);
  return { image: tensorFromImage(part(pictures[0]!)), mask: maskTensor(part(masks[0]!)) };
}

/** Tensors are refused beside a crop when the options are settled. */
function pictureOf(picture: Picture): RgbaImage {
  if (isTensor(picture)) throw new TypeError("image: expected a picture beside paddingMaskCrop, got a tensor");
  return picture;
}

/** A mask of zeros and ones. */
function sizedMask(mask: Picture, size: ImageSize = pixelSize(mask, 1)): Tensor {
  if (!isTensor(mask)) return maskTensor(resizeImage(mask, size));
  dims(mask, `masks 1 ${size.height} ${size.width}`, "maskImage");
  return tensor(
    Float32Array.from(mask.data, (value) => (value < 0.5 ? 0 : 1)),
    mask.shape,
  );
}
