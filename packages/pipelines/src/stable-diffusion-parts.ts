import type { LatentCodec } from "@latentkit/models";
import { openStableDiffusionScheduler, type Scheduler } from "@latentkit/schedulers";
import { checkFit } from "./check-fit.js";
import { previewDecoder, scheduler, textEncoder, tokenizer, unet, vae } from "./component-loaders.js";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { TextParts } from "./encode-prompt.js";
import type { ComponentTable } from "./load-components.js";

/** The parts of Stable Diffusion 1 and 2. */
export interface StableDiffusionComponents extends TextParts {
  readonly unet: ConditionalUNet;
  readonly vae: LatentCodec;
  /** A tiny autoencoder for the same latents, which previews are drawn with. */
  readonly previewDecoder?: LatentCodec | undefined;
  readonly scheduler: Scheduler;
}

/** Latents per side where a UNet's configuration does not say. */
export const SAMPLE_SIZE = 64;

/** Where Stable Diffusion's parts are. */
export const stableDiffusionComponents: ComponentTable<StableDiffusionComponents> = {
  tokenizer: tokenizer("tokenizer"),
  // with the two settings that files of 2022 have wrong
  scheduler: scheduler(openStableDiffusionScheduler),
  textEncoder: textEncoder("text_encoder"),
  vae,
  previewDecoder,
  unet,
};

/** Where those of latent consistency models are: their sampler is newer than the files that need correcting. */
export const latentConsistencyComponents: ComponentTable<StableDiffusionComponents> = {
  ...stableDiffusionComponents,
  scheduler: scheduler(),
};

/**
 * @param extraChannels what the pipeline puts beside the latents.
 * @throws LatentKitError unless the UNet takes what the text encoder and the autoencoder give.
 */
export function checkStableDiffusionFit(parts: StableDiffusionComponents, extraChannels?: readonly number[]): void {
  const { unet, vae, textEncoder } = parts;
  checkFit({ unet, vae, contextWidth: textEncoder.config.hiddenSize, encoders: "text_encoder", extraChannels });
}
