import { concat, contiguous, repeatInterleave, type Tensor } from "@latentkit/core";
import {
  conditionTensor,
  cropImage,
  fillImage,
  type ImageSize,
  loadImage,
  opaqueImage,
  type RgbaImage,
  resizeImage,
} from "@latentkit/images";
import {
  type ImageInput,
  type ImageInputs,
  imageCount,
  inputList,
  isTensor,
  pixelSize,
  type TargetSize,
} from "./image-input.js";
import { checkInTurn } from "./in-turn.js";
import type { PaintedPart } from "./inpaint-canvas.js";
import { once } from "./once.js";

/** The pictures that steer a run: read once, when the first network asks for them. */
export interface ControlImages {
  /** Of the first one, in pixels. */
  size(): Promise<ImageSize>;
  /** All at a size, `[1 or images, channels, height, width]`, from 0 to 1. @throws RangeError for tensors of another size. */
  at(size: ImageSize): Promise<Tensor>;
}

/** What a run asks of them. */
export interface ControlImageRequest {
  /** The option they were given in. */
  readonly name: string;
  /** What the network takes. */
  readonly channels: number;
  /** Pictures that the run makes. */
  readonly images: number;
  /** The part that is painted alone, which they are cut to as the picture is. @default all of it */
  readonly part?: (() => Promise<PaintedPart | undefined>) | undefined;
}

/** @throws TypeError or RangeError naming the option, its value and what is accepted. */
export function controlImages(inputs: ImageInputs | undefined, request: ControlImageRequest): ControlImages {
  const { name, channels, images } = request;
  if (inputs === undefined || inputs === null)
    throw new TypeError(`${name}: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none`);
  const list = inputList(name, inputs, () => channels);
  const count = imageCount(list);
  checkInTurn(count, images, name);
  const pictures = once(() => Promise.all(list.map(read)));
  const made = new Map<string, Promise<Tensor>>();
  const make = async (size: ImageSize) => {
    const part = await request.part?.();
    const tensors = (await pictures()).map((picture) => tensorOf(picture, size, request, part));
    const all = concat(tensors);
    // those of one prompt are neighbours, and one serves all
    return count === 1 ? all : repeatInterleave(all, images / count);
  };
  return {
    size: async () => pixelSize((await pictures())[0]!, 1),
    at(size) {
      const key = `${size.width}x${size.height}`;
      const tensor = made.get(key) ?? make(size);
      made.set(key, tensor);
      return tensor;
    },
  };
}

/** The sides of a run that has none given: the picture's, cut to a multiple of pixels. */
export async function sizeOfControl(images: ControlImages, multiple: number, given: TargetSize): Promise<ImageSize> {
  const size = await images.size();
  const cut = (side: number) => Math.max(multiple, side - (side % multiple));
  return { height: given.height ?? cut(size.height), width: given.width ?? cut(size.width) };
}

const read = async (input: ImageInput): Promise<Tensor | RgbaImage> => (isTensor(input) ? input : loadImage(input));

function tensorOf(
  picture: Tensor | RgbaImage,
  size: ImageSize,
  { name, channels }: ControlImageRequest,
  part: PaintedPart | undefined,
): Tensor {
  if (!isTensor(picture))
    return conditionTensor(sized(opaqueImage(picture), size, part), { channels: channels === 1 ? 1 : 3 });
  if (part) throw new TypeError(`${name}: expected a picture beside paddingMaskCrop, got a tensor`);
  const [, , height, width] = picture.shape;
  if (height === size.height && width === size.width) return contiguous(picture);
  throw new RangeError(`${name}: expected a tensor of ${size.width}x${size.height} pixels, got ${width}x${height}`);
}

/** The picture at a size, or what lies where its part is painted. */
function sized(picture: RgbaImage, size: ImageSize, part: PaintedPart | undefined): RgbaImage {
  return part ? fillImage(cropImage(resizeImage(picture, part.of), part.box), size) : resizeImage(picture, size);
}
