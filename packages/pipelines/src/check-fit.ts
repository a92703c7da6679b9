import { LatentKitError } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import type { ConditionalUNet } from "./conditional-unet.js";
import { isPipelineName } from "./pipeline-names.js";

/** What a UNet must agree with. */
export interface Fit {
  readonly unet: ConditionalUNet;
  readonly vae: LatentCodec;
  /** Features per token that the text encoders give together. */
  readonly contextWidth: number;
  /** What gives them, for messages. */
  readonly encoders: string;
  /** Channels that the pipeline puts beside the latents; several where it knows several ways. @default [0] */
  readonly extraChannels?: readonly number[] | undefined;
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
export function checkFit({ unet, vae, contextWidth, encoders, extraChannels = [0], added }: Fit): void {
  const { inChannels, crossAttentionDim, textTime } = unet.config;
  const isPlain = extraChannels.every((extra) => extra === 0);
  const channels = extraChannels.map((extra) => vae.latentChannels + extra);
  const pairs = [
    [isPlain ? "channels of latents" : "channels", inChannels, isPlain ? "vae" : "pipeline", channels],
    ["features per token", crossAttentionDim, encoders, [contextWidth]],
    ["features of sizes and pooled text", textTime?.inputDim ?? 0, "pipeline", [addedWidth(textTime, added)]],
  ] as const;
  for (const [what, wanted, other, found] of pairs) {
    if (found.includes(wanted)) continue;
    const problem = `${what}: the unet takes ${wanted}, the ${other} gives ${found.join(" or ")}`;
    const remedy = remedyFor(unet.config, channels, added) ?? "take both from one model";
    throw new LatentKitError("unsupported-model", `${problem}; ${remedy}`);
  }
}

type Config = ConditionalUNet["config"];

const addedWidth = (textTime: Config["textTime"], added: Fit["added"]): number =>
  added ? added.ids * (textTime?.timeEmbedDim ?? 0) + added.pooledWidth : 0;

/** Pipelines by the channels that their networks take. */
const byChannels: Readonly<Record<number, string>> = {
  4: "StableDiffusionPipeline",
  5: "StableDiffusionDepth2ImgPipeline",
  7: "StableDiffusionUpscalePipeline",
  8: "StableDiffusionInstructPix2PixPipeline",
  9: "StableDiffusionInpaintPipeline",
};

function remedyFor({ inChannels, textTime }: Config, channels: readonly number[], added: Fit["added"]) {
  const name = byChannels[inChannels];
  if (!channels.includes(inChannels)) return name && isFor(textTime ? xl(name) : name);
  if (textTime) return added?.remedy ?? isFor(xl(name ?? "StableDiffusionPipeline"));
  return added && isFor(name ?? "StableDiffusionPipeline");
}

const xl = (name: string): string => name.replace("StableDiffusion", "StableDiffusionXL");

const isFor = (name: string): string =>
  `such a UNet is for ${name}${isPipelineName(name) ? "" : ", which is not supported"}`;
