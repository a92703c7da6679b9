import { checkSameShape, concat, repeatInterleave, type Tensor } from "@latentkit/core";
import type { Warning } from "@latentkit/models";
import { type TextParts, warnOfOverflow } from "./encode-prompt.js";
import { release } from "./release.js";
import { warnOfUnusedNegative } from "./text-context.js";
import type { XLTextRequest } from "./text-options-xl.js";

/** The text token by token, and as a whole. */
interface Encoded {
  readonly embeds: Tensor;
  readonly pooled: Tensor;
}

/** Texts as the ×2 upscaler takes them: the states after the last layer without the final norm, and the pooled output; negative prompts first. */
export async function pooledContext(
  parts: TextParts,
  text: XLTextRequest,
  isGuided: boolean,
  onWarning: (warning: Warning) => void,
): Promise<{ readonly context: Tensor; readonly pooled: Tensor }> {
  warnOfUnusedNegative(text, isGuided, onWarning);
  const { promptEmbeds, pooledPromptEmbeds, negativePromptEmbeds, negativePooledPromptEmbeds } = text;
  const encode = (texts: readonly string[]) => encoded(parts, texts, onWarning);
  const positive = given(promptEmbeds, pooledPromptEmbeds) ?? (await encode(text.prompts));
  const noText = new Array<string>(text.count).fill("");
  const negative = isGuided
    ? (given(negativePromptEmbeds, negativePooledPromptEmbeds) ?? (await encode(text.negativePrompts ?? noText)))
    : undefined;
  await release(parts.textEncoder);
  if (negative) checkSameShape(positive.embeds, negative.embeds, "negativePromptEmbeds");
  const all = negative ? [negative, positive] : [positive];
  const joined = (values: readonly Tensor[]) =>
    concat(values.map((value) => repeatInterleave(value, text.numImagesPerPrompt)));
  return {
    context: joined(all.map(({ embeds }) => embeds)),
    pooled: joined(all.map(({ pooled }) => pooled)),
  };
}

const given = (embeds: Tensor | undefined, pooled: Tensor | undefined): Encoded | undefined =>
  embeds && pooled && { embeds, pooled };

async function encoded(
  { tokenizer, textEncoder }: TextParts,
  texts: readonly string[],
  onWarning: (warning: Warning) => void,
): Promise<Encoded> {
  warnOfOverflow(tokenizer, texts, onWarning);
  const { layers } = textEncoder.config;
  const { hiddenStates, lastHiddenState, poolerOutput } = await textEncoder.outputs(tokenizer.encode(texts), {
    layers: [layers],
  });
  return { embeds: hiddenStates[0] ?? lastHiddenState, pooled: poolerOutput };
}
