import { checkSameShape, concat, repeatInterleave, type Tensor, zeros } from "@latentkit/core";
import type { Warning } from "@latentkit/models";
import { encodePromptXL, type XLPromptEmbeds, type XLTextParts } from "./encode-prompt-xl.js";
import { release } from "./release.js";
import { warnOfUnusedNegative } from "./text-context.js";
import type { XLTextRequest } from "./text-options-xl.js";

/** The text of a run as SDXL's UNet takes it; negative prompts first, where there is guidance. */
export interface XLContext {
  /** `[2 · images or images, length, width]` */
  readonly context: Tensor;
  /** `[2 · images or images, projection]` */
  readonly textEmbeds: Tensor;
}

/** How a run is told its text. */
export interface XLContextOptions {
  readonly isGuided: boolean;
  /** Whether zeros stand for a negative prompt that is not given. */
  readonly forceZerosForEmptyPrompt: boolean;
  readonly onWarning: (warning: Warning) => void;
}

/** Encodes what is not encoded yet. */
export async function textContextXL(
  parts: XLTextParts,
  text: XLTextRequest,
  options: XLContextOptions,
): Promise<XLContext> {
  const { clipSkip, promptEmbeds, pooledPromptEmbeds, numImagesPerPrompt } = text;
  const { isGuided, onWarning } = options;
  warnOfUnusedNegative(text, isGuided, onWarning);
  const positive =
    promptEmbeds && pooledPromptEmbeds
      ? { promptEmbeds, pooledPromptEmbeds }
      : await encodePromptXL(parts, text.prompts, { prompts2: text.prompts2, clipSkip, onWarning });
  const negative = isGuided ? await negativeEmbeds(parts, text, positive, options) : undefined;
  await release(parts.textEncoder, parts.textEncoder2);
  const all = negative ? [negative, positive] : [positive];
  const joined = (values: readonly Tensor[]) =>
    concat(values.map((value) => repeatInterleave(value, numImagesPerPrompt)));
  return {
    context: joined(all.map((embeds) => embeds.promptEmbeds)),
    textEmbeds: joined(all.map((embeds) => embeds.pooledPromptEmbeds)),
  };
}

/** What to steer away from: given, zeros where nothing was said, or encoded, always without `clipSkip` as Diffusers has it. */
async function negativeEmbeds(
  parts: XLTextParts,
  text: XLTextRequest,
  positive: XLPromptEmbeds,
  { forceZerosForEmptyPrompt, onWarning }: XLContextOptions,
): Promise<XLPromptEmbeds> {
  const { negativePromptEmbeds, negativePooledPromptEmbeds, negativePrompts2, count } = text;
  if (negativePromptEmbeds && negativePooledPromptEmbeds)
    return { promptEmbeds: negativePromptEmbeds, pooledPromptEmbeds: negativePooledPromptEmbeds };
  if (!text.negativePrompts && forceZerosForEmptyPrompt) {
    if (negativePrompts2) warnOfLoneNegative(onWarning);
    const { promptEmbeds, pooledPromptEmbeds } = positive;
    return { promptEmbeds: zeros(promptEmbeds.shape), pooledPromptEmbeds: zeros(pooledPromptEmbeds.shape) };
  }
  const negativePrompts = text.negativePrompts ?? new Array<string>(count).fill("");
  const encoded = await encodePromptXL(parts, negativePrompts, { prompts2: negativePrompts2, onWarning });
  checkSameShape(positive.promptEmbeds, encoded.promptEmbeds, "negativePromptEmbeds");
  return encoded;
}

function warnOfLoneNegative(onWarning: (warning: Warning) => void): void {
  const message = "negativePrompt2 is not used: this model takes zeros where negativePrompt is not given beside it";
  onWarning({ code: "ignored-option", message });
}
