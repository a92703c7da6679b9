import type { Tensor } from "@latentkit/core";
import type { LatentCodec, UNetConditions, Warning } from "@latentkit/models";
import type { Scheduler } from "@latentkit/schedulers";
import { checkFit, type Fit } from "./check-fit.js";
import {
  optional,
  previewDecoder,
  scheduler,
  setting,
  textEncoder,
  tokenizer,
  unet,
  vae,
} from "./component-loaders.js";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { XLTextParts } from "./encode-prompt-xl.js";
import { distilledGuidance, isGuided } from "./guidance-embedding.js";
import type { ComponentTable } from "./load-components.js";
import {
  type AestheticOptions,
  checkMicroConditioning,
  type MicroConditioningOptions,
  type TimeIds,
  timeIdRows,
} from "./micro-conditioning.js";
import { type GuidanceOptions, type SettledGuidance, settleGuidance } from "./sampling-options.js";
import { textContextXL } from "./text-context-xl.js";
import { settleTextXL, type XLTextOptions, type XLTextRequest } from "./text-options-xl.js";

/** The parts of SDXL; the refiner has the second text encoder only. */
export interface StableDiffusionXLComponents extends XLTextParts {
  readonly unet: ConditionalUNet;
  readonly vae: LatentCodec;
  /** A tiny autoencoder for the same latents, which previews are drawn with. */
  readonly previewDecoder?: LatentCodec | undefined;
  readonly scheduler: Scheduler;
  /** Whether zeros stand for a negative prompt that is not given. @default true */
  readonly forceZerosForEmptyPrompt?: boolean | undefined;
}

/** Latents per side where a UNet's configuration does not say. */
export const XL_SAMPLE_SIZE = 128;

/** Where SDXL's parts are. */
export const xlComponents: ComponentTable<StableDiffusionXLComponents> = {
  tokenizer: optional("tokenizer", tokenizer("tokenizer")),
  tokenizer2: tokenizer("tokenizer_2"),
  scheduler: scheduler(),
  forceZerosForEmptyPrompt: setting("force_zeros_for_empty_prompt", true),
  textEncoder: optional("text_encoder", textEncoder("text_encoder")),
  textEncoder2: textEncoder("text_encoder_2"),
  vae,
  previewDecoder,
  unet,
};

/** Features per token of both encoders together. */
const contextWidth = ({ textEncoder, textEncoder2 }: XLTextParts): number =>
  (textEncoder?.config.hiddenSize ?? 0) + textEncoder2.config.hiddenSize;

/**
 * @param extraChannels what the pipeline puts beside the latents.
 * @throws LatentKitError unless the UNet takes what the encoders give, and so many sizes beside it.
 */
export function checkXLFit(
  parts: StableDiffusionXLComponents,
  added: Pick<NonNullable<Fit["added"]>, "ids" | "remedy">,
  extraChannels?: readonly number[],
): void {
  const { unet, vae, textEncoder, textEncoder2 } = parts;
  checkFit({
    unet,
    vae,
    contextWidth: contextWidth(parts),
    encoders: textEncoder ? "text_encoder and text_encoder_2" : "text_encoder_2",
    extraChannels,
    added: { ...added, pooledWidth: textEncoder2.config.projectionDim },
  });
}

/** The text and guidance of a run with everything settled. */
export interface XLRequest {
  readonly text: XLTextRequest;
  readonly guidance: SettledGuidance;
  /** Whether negative prompts have a say. */
  readonly isGuided: boolean;
}

/** @throws TypeError or RangeError naming the option, its value and what is accepted. */
export function settleXL(
  parts: StableDiffusionXLComponents,
  options: XLTextOptions & GuidanceOptions & MicroConditioningOptions & AestheticOptions,
  defaultScale = 5,
): XLRequest {
  checkMicroConditioning(options);
  const text = settleTextXL(options, contextWidth(parts), parts.textEncoder2.config.projectionDim);
  const guidance = settleGuidance(options, defaultScale, parts.unet);
  return { text, guidance, isGuided: isGuided(parts.unet, guidance) };
}

/** Everything that SDXL's UNet is told: the text as context, and its pooled form and the sizes as conditions. */
export async function conditioningXL(
  parts: StableDiffusionXLComponents,
  { text, guidance, isGuided }: XLRequest,
  ids: TimeIds,
  onWarning: (warning: Warning) => void,
): Promise<{ readonly context: Tensor; readonly conditions: UNetConditions }> {
  const { unet, forceZerosForEmptyPrompt = true } = parts;
  const { context, textEmbeds } = await textContextXL(parts, text, { isGuided, forceZerosForEmptyPrompt, onWarning });
  const timeIds = timeIdRows(ids, text.images, isGuided);
  const distilled = distilledGuidance(unet, guidance.guidanceScale, text.images);
  return { context, conditions: { textEmbeds, timeIds, ...distilled } };
}
