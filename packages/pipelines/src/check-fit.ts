import { LatentKitError } from "@latentkit/core";
import type { LatentCodec, UNet2DConditionModel } from "@latentkit/models";

/** What a UNet must agree with. */
export interface Fit {
  readonly unet: UNet2DConditionModel;
  readonly vae: LatentCodec;
  /** Features per token that the text encoders give together. */
  readonly contextWidth: number;
  /** What gives them, for messages. */
  readonly encoders: string;
  /** Numbers in SDXL's `time_ids`, and features of its pooled text; left out for pipelines that tell the UNet neither. */
  readonly added?: {
    readonly ids: number;
    readonly pooledWidth: number;
    /** What to do about a UNet of SDXL that takes another number of sizes. */
    readonly remedy: string;
  };
}

/**
 * Parts of different models open well and fail, or draw noise, at the first step.
 *
 * @throws LatentKitError `"unsupported-model"`, with the pipeline that such a UNet is for where that can be told.
 */
export function checkFit({ unet, vae, contextWidth, encoders, added }: Fit): void {
  const { inChannels, crossAttentionDim, textTime } = unet.config;
  const pairs = [
    ["channels of latents", inChannels, "vae", vae.latentChannels],
    ["features per token", crossAttentionDim, encoders, contextWidth],
    ["features of sizes and pooled text", textTime?.inputDim ?? 0, "pipeline", addedWidth(textTime, added)],
  ] as const;
  for (const [what, wanted, other, found] of pairs) {
    if (wanted === found) continue;
    const problem = `${what}: the unet takes ${wanted}, the ${other} gives ${found}`;
    const remedy = remedyFor(unet.config, added) ?? "take both from one model";
    throw new LatentKitError("unsupported-model", `${problem}; ${remedy}`);
  }
}

type Config = UNet2DConditionModel["config"];

const addedWidth = (textTime: Config["textTime"], added: Fit["added"]): number =>
  added ? added.ids * (textTime?.timeEmbedDim ?? 0) + added.pooledWidth : 0;

/** Channels of networks that see more than the latents. */
const specialChannels: Readonly<Record<number, string>> = {
  5: "StableDiffusionDepth2ImgPipeline",
  7: "StableDiffusionUpscalePipeline",
  8: "StableDiffusionInstructPix2PixPipeline",
  9: "StableDiffusionInpaintPipeline",
};

function remedyFor({ inChannels, textTime }: Config, added: Fit["added"]): string | undefined {
  const special = specialChannels[inChannels];
  const isFor = (name: string) => `such a UNet is for ${name}`;
  if (special) return isFor(textTime ? special.replace("StableDiffusion", "StableDiffusionXL") : special);
  if (textTime) return added?.remedy ?? isFor("StableDiffusionXLPipeline");
  return added && isFor("StableDiffusionPipeline");
}
