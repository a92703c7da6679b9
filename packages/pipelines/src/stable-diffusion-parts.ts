import type { LatentCodec, UNet2DConditionModel } from "@latentkit/models";
import { type Scheduler, stableDiffusionConfig } from "@latentkit/schedulers";
import { checkFit } from "./check-fit.js";
import { scheduler, textEncoder, tokenizer, unet, vae } from "./component-loaders.js";
import type { TextParts } from "./encode-prompt.js";
import type { ComponentTable } from "./load-components.js";

/** The parts of Stable Diffusion 1 and 2. */
export interface StableDiffusionComponents extends TextParts {
  readonly unet: UNet2DConditionModel;
  readonly vae: LatentCodec;
  readonly scheduler: Scheduler;
}

/** Latents per side where a UNet's configuration does not say. */
export const SAMPLE_SIZE = 64;

/** Where Stable Diffusion's parts are. */
export const stableDiffusionComponents: ComponentTable<StableDiffusionComponents> = {
  tokenizer: tokenizer("tokenizer"),
  // with the two settings that files of 2022 have wrong
  scheduler: scheduler(stableDiffusionConfig),
  textEncoder: textEncoder("text_encoder"),
  vae,
  unet,
};

/** @throws LatentKitError unless the UNet takes what the text encoder and the autoencoder give. */
export function checkStableDiffusionFit({ unet, vae, textEncoder }: StableDiffusionComponents): void {
  checkFit({ unet, vae, contextWidth: textEncoder.config.hiddenSize, encoders: "text_encoder" });
}
