import { checkSameShape, type Tensor } from "@latentkit/core";
import type { Warning } from "@latentkit/models";
import { encodePrompt, joinEmbeds, type TextParts } from "./encode-prompt.js";
import { release } from "./release.js";
import type { TextRequest } from "./text-options.js";

/**
 * The text of a run as the UNet takes it: negative prompts first, `[2 · images, length, width]`, where there is guidance;
 * `[images, length, width]` without.
 */
export async function textContext(
  parts: TextParts,
  text: TextRequest,
  isGuided: boolean,
  onWarning: (warning: Warning) => void,
): Promise<Tensor> {
  const { prompts, promptEmbeds, clipSkip, numImagesPerPrompt } = text;
  warnOfUnusedNegative(text, isGuided, onWarning);
  const negativePrompts = isGuided ? (text.negativePrompts ?? new Array<string>(text.count).fill("")) : [];
  if (!promptEmbeds) {
    const context = await encodePrompt(parts, prompts, { negativePrompts, clipSkip, numImagesPerPrompt, onWarning });
    await release(parts.textEncoder);
    return context;
  }
  const negative = isGuided
    ? (text.negativePromptEmbeds ?? (await encodePrompt(parts, negativePrompts, { clipSkip, onWarning })))
    : undefined;
  await release(parts.textEncoder);
  if (negative) checkSameShape(promptEmbeds, negative, "negativePromptEmbeds");
  return joinEmbeds(promptEmbeds, negative, numImagesPerPrompt);
}

/** Distilled models are run without guidance, and then what to steer away from has no way into the picture. */
export function warnOfUnusedNegative(
  { negativePrompts, negativePromptEmbeds }: TextRequest,
  isGuided: boolean,
  onWarning: (warning: Warning) => void,
): void {
  const isGiven = negativePromptEmbeds !== undefined || negativePrompts?.some((text) => text !== "");
  if (isGuided || !isGiven) return;
  onWarning({
    code: "ignored-option",
    message:
      "negativePrompt is not used: there is no guidance at a guidanceScale of 1 or less, nor in distilled networks",
  });
}
