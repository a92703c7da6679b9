import { contiguous, type Tensor } from "@latentkit/core";
import { checkCount, checkTensor, textList } from "./option-checks.js";

/** What to draw, in words or encoded. */
export interface TextOptions {
  /** What to draw; several texts make several pictures. Beyond the tokenizer's limit (77 tokens) a text is cut, with a warning. */
  readonly prompt?: string | readonly string[];
  /** What to steer away from; one text, or one for each prompt. Unused where there is no guidance. @default "" */
  readonly negativePrompt?: string | readonly string[];
  /** @default 1 */
  readonly numImagesPerPrompt?: number;
  /** How many of the text encoder's last layers to leave out. @default 0 */
  readonly clipSkip?: number;
  /** Encoded prompts, `[prompts, length, width]`, in place of `prompt`. */
  readonly promptEmbeds?: Tensor;
  /** Encoded negative prompts, of the shape of `promptEmbeds`. */
  readonly negativePromptEmbeds?: Tensor;
}

/** The text of a run with everything settled. */
export interface TextRequest {
  readonly prompts: readonly string[];
  /** One for each prompt; undefined when the caller gave none. */
  readonly negativePrompts: readonly string[] | undefined;
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly clipSkip: number;
  readonly numImagesPerPrompt: number;
  /** Prompts in all, in words or encoded. */
  readonly count: number;
  /** Pictures in all. */
  readonly images: number;
}

/**
 * Checks the text options and fills in the defaults.
 *
 * @param contextWidth features of the text's vectors.
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settleText(options: TextOptions, contextWidth: number): TextRequest {
  const { numImagesPerPrompt = 1, clipSkip = 0, promptEmbeds, negativePromptEmbeds } = options;
  checkCount("numImagesPerPrompt", numImagesPerPrompt);
  checkClipSkip(clipSkip);
  checkOneGiven(options);
  const prompts = options.prompt === undefined ? [] : textList(options.prompt, "prompt");
  const count = promptEmbeds ? embedCount(promptEmbeds, negativePromptEmbeds, contextWidth) : prompts.length;
  return {
    prompts,
    negativePrompts: options.negativePrompt === undefined ? undefined : negativeTexts(options.negativePrompt, count),
    promptEmbeds: promptEmbeds && contiguous(promptEmbeds),
    negativePromptEmbeds: negativePromptEmbeds && contiguous(negativePromptEmbeds),
    clipSkip,
    numImagesPerPrompt,
    count,
    images: count * numImagesPerPrompt,
  };
}

/** One text for each prompt: the same for all, or a list. @throws RangeError when there is another number of them. */
export function textPerPrompt(value: string | readonly string[], count: number, name: string): readonly string[] {
  const list = textList(value, name);
  if (list.length !== 1 && list.length !== count)
    throw new RangeError(`${name}: expected 1 or ${count} texts, got ${list.length}`);
  return Array.from({ length: count }, (_, i) => list[i % list.length] ?? "");
}

const negativeTexts = (value: string | readonly string[], count: number) =>
  textPerPrompt(value, count, "negativePrompt");

function checkOneGiven({ prompt, promptEmbeds, negativePrompt, negativePromptEmbeds }: TextOptions): void {
  if (prompt === undefined && promptEmbeds === undefined)
    throw new TypeError("prompt: expected a text (or promptEmbeds)");
  if (prompt !== undefined && promptEmbeds !== undefined)
    throw new TypeError("prompt: expected nothing beside promptEmbeds");
  if (negativePromptEmbeds && !promptEmbeds)
    throw new TypeError("negativePromptEmbeds: expected promptEmbeds beside them");
  if (negativePrompt !== undefined && negativePromptEmbeds)
    throw new TypeError("negativePrompt: expected nothing beside negativePromptEmbeds");
}

/** How many layers there are is the encoder's to know. */
function checkClipSkip(clipSkip: number): void {
  if (typeof clipSkip !== "number") throw new TypeError(`clipSkip: expected a number, got ${String(clipSkip)}`);
}

function embedCount(promptEmbeds: Tensor, negativePromptEmbeds: Tensor | undefined, width: number): number {
  checkTensor(promptEmbeds, `prompts length ${width}`, "promptEmbeds");
  if (negativePromptEmbeds) checkTensor(negativePromptEmbeds, promptEmbeds.shape.join(" "), "negativePromptEmbeds");
  return promptEmbeds.shape[0] ?? 0;
}
