import type { Tensor } from "@latentkit/core";
import { setting } from "./component-loaders.js";
import type { ComponentTable } from "./load-components.js";
import type { AestheticOptions, MicroConditioningOptions, TimeIds } from "./micro-conditioning.js";
import { aestheticTimeIds, imageTimeIds } from "./micro-conditioning.js";
import { checkXLFit, type StableDiffusionXLComponents, xlComponents } from "./stable-diffusion-xl-parts.js";

/** The parts of SDXL or of its refiner. */
export interface StableDiffusionXLImg2ImgComponents extends StableDiffusionXLComponents {
  /** Whether the UNet is told how pleasing the picture is in place of its size, as the refiner is. @default false */
  readonly requiresAestheticsScore?: boolean | undefined;
}

/** Where they are. */
export const xlImg2ImgComponents: ComponentTable<StableDiffusionXLImg2ImgComponents> = {
  ...xlComponents,
  requiresAestheticsScore: setting("requires_aesthetics_score", false),
};

/**
 * @param extraChannels what the pipeline puts beside the latents.
 * @throws LatentKitError unless the UNet takes what the encoders give, and the sizes or scores beside it.
 */
export function checkXLImg2ImgFit(parts: StableDiffusionXLImg2ImgComponents, extraChannels?: readonly number[]): void {
  const { requiresAestheticsScore = false } = parts;
  const ids = requiresAestheticsScore ? 5 : 6;
  checkXLFit(parts, { ids, remedy: `set requiresAestheticsScore to ${!requiresAestheticsScore}` }, extraChannels);
}

/** What the UNet is told of a picture with these latents, `[images, channels, height / 8, width / 8]`. */
export function latentTimeIds(
  { vae, requiresAestheticsScore = false }: StableDiffusionXLImg2ImgComponents,
  options: MicroConditioningOptions & AestheticOptions,
  { shape: [, , height = 0, width = 0] }: Tensor,
): TimeIds {
  const size = [height * vae.scaleFactor, width * vae.scaleFactor] as const;
  return (requiresAestheticsScore ? aestheticTimeIds : imageTimeIds)(options, size);
}
