import { contiguous, type Tensor } from "@latentkit/core";
import { checkTensor } from "./option-checks.js";
import { settleText, type TextOptions, type TextRequest, textPerPrompt } from "./text-options.js";

/** What to draw with SDXL, which reads every prompt twice. */
export interface XLTextOptions extends TextOptions {
  /** What the second text encoder reads. @default `prompt` */
  readonly prompt2?: string | readonly string[];
  /** What the second text encoder is to steer away from. @default `negativePrompt` */
  readonly negativePrompt2?: string | readonly string[];
  /** What the second encoder says of the whole prompts, `[prompts, width]`; beside `promptEmbeds`. */
  readonly pooledPromptEmbeds?: Tensor;
  /** The same of the negative prompts; beside `negativePromptEmbeds`. */
  readonly negativePooledPromptEmbeds?: Tensor;
}

/** The text of a run with everything settled. */
export interface XLTextRequest extends TextRequest {
  readonly prompts2: readonly string[] | undefined;
  readonly negativePrompts2: readonly string[] | undefined;
  readonly pooledPromptEmbeds: Tensor | undefined;
  readonly negativePooledPromptEmbeds: Tensor | undefined;
}

/**
 * Checks the text options and fills in the defaults.
 *
 * @param contextWidth features of the text's vectors; `pooledWidth` of its pooled one.
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settleTextXL(options: XLTextOptions, contextWidth: number, pooledWidth: number): XLTextRequest {
  const text = settleText(options, contextWidth);
  const { prompt2, negativePrompt2, pooledPromptEmbeds, negativePooledPromptEmbeds } = options;
  for (const [name, embeds, value] of [
    ["prompt2", "promptEmbeds", prompt2],
    ["negativePrompt2", "negativePromptEmbeds", negativePrompt2],
  ] as const) {
    if (value !== undefined && options[embeds]) throw new TypeError(`${name}: expected nothing beside ${embeds}`);
  }
  checkPooled("pooledPromptEmbeds", pooledPromptEmbeds, "promptEmbeds", options.promptEmbeds, pooledWidth);
  checkPooled(
    "negativePooledPromptEmbeds",
    negativePooledPromptEmbeds,
    "negativePromptEmbeds",
    options.negativePromptEmbeds,
    pooledWidth,
  );
  return {
    ...text,
    prompts2: prompt2 === undefined ? undefined : textPerPrompt(prompt2, text.count, "prompt2"),
    negativePrompts2:
      negativePrompt2 === undefined ? undefined : textPerPrompt(negativePrompt2, text.count, "negativePrompt2"),
    pooledPromptEmbeds: pooledPromptEmbeds && contiguous(pooledPromptEmbeds),
    negativePooledPromptEmbeds: negativePooledPromptEmbeds && contiguous(negativePooledPromptEmbeds),
  };
}

/** Both kinds of embeddings come from one encoding, and one is no use without the other. */
function checkPooled(
  name: string,
  pooled: Tensor | undefined,
  beside: string,
  embeds: Tensor | undefined,
  width: number,
): void {
  if (pooled && !embeds) throw new TypeError(`${name}: expected ${beside} beside them`);
  if (!pooled && embeds) throw new TypeError(`${beside}: expected ${name} beside them, of the same encoding`);
  if (pooled && embeds) checkTensor(pooled, `${embeds.shape[0]} ${width}`, name);
}
