import type { ImageInputs } from "./image-input.js";

/** What steers a text-to-image run, under either of its names. */
interface Steered {
  readonly controlImage?: ImageInputs | readonly ImageInputs[];
  readonly image?: ImageInputs | readonly ImageInputs[];
}

/** Options with what steers under its own name; Diffusers' text to image calls it `image`. @throws TypeError for both. */
export function withControlImage<Options extends Steered>(options: Options): Options {
  const { image, controlImage } = options;
  if (image === undefined) return options;
  if (controlImage !== undefined)
    throw new TypeError("image: expected nothing beside controlImage, which is the same here");
  return { ...options, controlImage: image };
}
