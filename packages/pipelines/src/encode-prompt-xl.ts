import { checkSameShape, repeatInterleave, type Tensor, tensor } from "@latentkit/core";
import type { CLIPTextEncoder, CLIPTextOutputs, Warning } from "@latentkit/models";
import type { CLIPTokenizer } from "@latentkit/tokenizer";
import { warnOfOverflow } from "./encode-prompt.js";

/** The parts that turn text into what SDXL's UNet looks at; the refiner has the second pair only. */
export interface XLTextParts {
  readonly tokenizer?: CLIPTokenizer | undefined;
  readonly textEncoder?: CLIPTextEncoder | undefined;
  readonly tokenizer2: CLIPTokenizer;
  readonly textEncoder2: CLIPTextEncoder;
}

/** Prompts as SDXL's UNet takes them. */
export interface XLPromptEmbeds {
  /** What both encoders say of each token, side by side, `[images, length, width₁ + width₂]`. */
  readonly promptEmbeds: Tensor;
  /** What the second says of the whole text, `[images, projection]`. */
  readonly pooledPromptEmbeds: Tensor;
}

/** How to encode prompts for SDXL. */
export interface EncodePromptXLOptions {
  /** What the second encoder reads, one for each prompt. @default the prompts */
  readonly prompts2?: readonly string[] | undefined;
  /** How many of the layers before the last to leave out; the last one itself is never used. @default 0 */
  readonly clipSkip?: number;
  /** @default 1 */
  readonly numImagesPerPrompt?: number;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/**
 * Prompts through both text encoders of SDXL (Podell et al. 2023, §2.1): the states before the last layer, without the
 * final norm, and the second encoder's pooled output.
 *
 * @throws RangeError for a `clipSkip` beyond the layers.
 * @example
 * ```ts
 * const pipe = await StableDiffusionXLPipeline.fromPretrained("./stable-diffusion-xl-base-1.0");
 * const { promptEmbeds } = await encodePromptXL(pipe.components, ["a red apple"]); // [1, 77, 2048]
 * ```
 */
export async function encodePromptXL(
  parts: XLTextParts,
  prompts: readonly string[],
  options: EncodePromptXLOptions = {},
): Promise<XLPromptEmbeds> {
  const { prompts2 = prompts, clipSkip = 0, numImagesPerPrompt = 1, onWarning } = options;
  checkClipSkip(parts, clipSkip);
  const read = async (tokenizer: CLIPTokenizer, encoder: CLIPTextEncoder, texts: readonly string[]) => {
    warnOfOverflow(tokenizer, texts, onWarning);
    return encoder.outputs(tokenizer.encode(texts), { layers: [encoder.config.layers - 1 - clipSkip] });
  };
  const { tokenizer, textEncoder, tokenizer2, textEncoder2 } = parts;
  const first = tokenizer && textEncoder ? stateOf(await read(tokenizer, textEncoder, prompts)) : undefined;
  const outputs = await read(tokenizer2, textEncoder2, prompts2);
  const second = stateOf(outputs);
  return {
    promptEmbeds: repeatInterleave(first ? beside(first, second) : second, numImagesPerPrompt),
    pooledPromptEmbeds: repeatInterleave(outputs.textEmbeds ?? outputs.poolerOutput, numImagesPerPrompt),
  };
}

function checkClipSkip({ textEncoder, textEncoder2 }: XLTextParts, clipSkip: number): void {
  const layers = Math.min(textEncoder?.config.layers ?? Number.POSITIVE_INFINITY, textEncoder2.config.layers);
  if (!Number.isInteger(clipSkip) || clipSkip < 0 || clipSkip >= layers)
    throw new RangeError(`clipSkip: expected an integer from 0 to ${layers - 1}, got ${clipSkip}`);
}

/** The one state that was asked for. */
const stateOf = (outputs: CLIPTextOutputs): Tensor => outputs.hiddenStates[0] ?? outputs.lastHiddenState;

/** `[B, L, a]` and `[B, L, b]` as `[B, L, a + b]`. */
function beside(a: Tensor, b: Tensor): Tensor {
  const [batch = 0, length = 0, left = 0] = a.shape;
  const right = b.shape[2] ?? 0;
  checkSameShape({ shape: [batch, length] }, { shape: b.shape.slice(0, 2) }, "the second encoder's tokens");
  const data = new Float32Array(batch * length * (left + right));
  for (let row = 0; row < batch * length; row++) {
    data.set(a.data.subarray(row * left, (row + 1) * left), row * (left + right));
    data.set(b.data.subarray(row * right, (row + 1) * right), row * (left + right) + left);
  }
  return tensor(data, [batch, length, left + right]);
}
