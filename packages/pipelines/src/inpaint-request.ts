import { contiguous, type Tensor } from "@latentkit/core";
import type { ImageSize } from "@latentkit/images";
import type { LatentCodec } from "@latentkit/models";
import { givenSize } from "./begin-from-image.js";
import { type ImageInput, imageCount, imageList, inputList, isTensor, type TargetSize } from "./image-input.js";
import { checkInTurn } from "./in-turn.js";
import type { MaskOptions } from "./inpaint-options.js";
import { checkTensor } from "./option-checks.js";
import type { RunOptions } from "./run-options.js";
import { type LatentFacts, type LatentsOptions, type SizeOptions, settleSize } from "./sampling-options.js";

/** The pictures and masks of a run, checked as far as they can be before they are read. */
export interface InpaintRequest {
  readonly list: readonly ImageInput[];
  /** None where the pictures' own transparency is the mask. */
  readonly masks: readonly ImageInput[] | undefined;
  readonly size: TargetSize;
  /** The surroundings that are painted alone, and the size to do it at. */
  readonly crop: { readonly padding: number; readonly size: ImageSize } | undefined;
  readonly overlay: boolean;
  /** Noise to begin from. */
  readonly latents: Tensor | undefined;
  readonly maskedImageLatents: Tensor | undefined;
  /** Pictures that the run makes. */
  readonly images: number;
}

type Options = MaskOptions & SizeOptions & LatentsOptions & Pick<RunOptions, "outputType">;

/**
 * Checks pictures and masks, and the size to bring them to.
 *
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settleInpaint(options: Options, vae: LatentCodec, facts: LatentFacts, images: number): InpaintRequest {
  const { latents, maskedImageLatents, paddingMaskCrop, overlay = paddingMaskCrop !== undefined } = options;
  const list = imageList(options.image, vae);
  checkInTurn(imageCount(list), images, "image");
  const masks = options.maskImage === undefined ? undefined : inputList("maskImage", options.maskImage, () => 1);
  if (masks) checkInTurn(imageCount(masks), images, "maskImage");
  for (const [name, value] of Object.entries({ latents, maskedImageLatents }))
    if (value) checkTensor(value, `images ${vae.latentChannels} height width`, name);
  if (overlay) checkPictures(paddingMaskCrop === undefined ? "overlay" : "paddingMaskCrop", options, list, masks);
  return {
    list,
    masks,
    size: givenSize(options, vae),
    crop: paddingMaskCrop === undefined ? undefined : settleCrop(options, paddingMaskCrop, facts),
    overlay,
    latents: latents && contiguous(latents),
    maskedImageLatents: maskedImageLatents && contiguous(maskedImageLatents),
    images,
  };
}

/** The part is enlarged to what the network was trained on. */
function settleCrop(options: Options, padding: number, facts: LatentFacts): InpaintRequest["crop"] {
  const { overlay, image, maskImage } = options;
  if (!Number.isInteger(padding) || padding < 0)
    throw new RangeError(`paddingMaskCrop: expected a number of pixels, 0 or more, got ${padding}`);
  if (overlay === false) throw new TypeError("overlay: expected true beside paddingMaskCrop, got false");
  for (const [name, value] of Object.entries({ image, maskImage }))
    if (Array.isArray(value) && value.length > 1)
      throw new RangeError(`${name}: expected one picture beside paddingMaskCrop, got ${value.length}`);
  return { padding, size: settleSize(options, facts) };
}

/** What is laid over the result has to be a picture, and so has the result. */
function checkPictures(
  beside: string,
  { outputType = "image" }: Options,
  list: readonly ImageInput[],
  masks: readonly ImageInput[] = [],
): void {
  if (outputType !== "image")
    throw new RangeError(`outputType: expected "image" beside ${beside}, got "${outputType}"`);
  for (const [name, inputs] of Object.entries({ image: list, maskImage: masks }))
    if (inputs.some(isTensor)) throw new TypeError(`${name}: expected a picture beside ${beside}, got a tensor`);
}
