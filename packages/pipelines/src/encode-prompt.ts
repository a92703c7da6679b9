import { concat, repeatInterleave, type Tensor } from "@latentkit/core";
import type { CLIPTextEncoder, Warning } from "@latentkit/models";
import type { CLIPTokenizer } from "@latentkit/tokenizer";

/** The parts that turn text into what the UNet looks at. */
export interface TextParts {
  readonly tokenizer: CLIPTokenizer;
  readonly textEncoder: CLIPTextEncoder;
}

/** How to encode prompts. */
export interface EncodePromptOptions {
  /** One for each prompt; left out where there is no guidance. */
  readonly negativePrompts?: readonly string[];
  /** How many of the text encoder's last layers to leave out. @default 0 */
  readonly clipSkip?: number;
  readonly numImagesPerPrompt?: number;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/**
 * Prompts as context for the UNet: with negative prompts `[2 · images, length, width]`, theirs first; without `[images, length, width]`.
 * Images of one prompt are neighbours: p₀, p₀, p₁, p₁.
 *
 * @example
 * ```ts
 * const context = await encodePrompt(pipe.components, ["a red apple"], { negativePrompts: ["blurry"] }); // [2, 77, 768]
 * ```
 */
export async function encodePrompt(
  parts: TextParts,
  prompts: readonly string[],
  options: EncodePromptOptions = {},
): Promise<Tensor> {
  const { negativePrompts = [], clipSkip = 0, numImagesPerPrompt = 1, onWarning } = options;
  const texts = [...negativePrompts, ...prompts];
  warnOfOverflow(parts.tokenizer, texts, onWarning);
  const ids = parts.tokenizer.encode(texts);
  return repeatInterleave(await parts.textEncoder.encode(ids, { clipSkip }), numImagesPerPrompt);
}

/** Context that was encoded before, in the order `encodePrompt` gives. */
export function joinEmbeds(
  promptEmbeds: Tensor,
  negativePromptEmbeds: Tensor | undefined,
  numImagesPerPrompt: number,
): Tensor {
  const embeds = negativePromptEmbeds ? [negativePromptEmbeds, promptEmbeds] : [promptEmbeds];
  return concat(embeds.map((value) => repeatInterleave(value, numImagesPerPrompt)));
}

/** Tells of the part of a text that the tokenizer has no room for. */
export function warnOfOverflow(
  tokenizer: CLIPTokenizer,
  texts: readonly string[],
  onWarning: EncodePromptOptions["onWarning"],
): void {
  for (const text of texts) {
    const rest = tokenizer.overflow(text);
    if (rest === undefined) continue;
    onWarning?.({
      code: "prompt-truncated",
      message: `the prompt is longer than ${tokenizer.modelMaxLength} tokens; this part is left out: ${rest}`,
    });
  }
}
