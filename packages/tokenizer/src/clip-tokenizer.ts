import { type TokenIds, tokenIds } from "@latentkit/core";
import { type HubOptions, type ModelSource, openSource } from "@latentkit/hub";
import { type BytePairs, bytePairs } from "./byte-pairs.js";
import {
  type CLIPVocabulary,
  type CompleteVocabulary,
  checkVocabulary,
  specialId,
  withDefaults,
} from "./clip-vocabulary.js";
import { readVocabulary } from "./read-vocabulary.js";

/** How texts become ids. */
export interface EncodeOptions {
  /** Tokens per text, begin and end included. @default the tokenizer's `modelMaxLength` */
  readonly maxLength?: number;
}

/**
 * CLIP's byte-pair encoding (Radford et al. 2021, §2.4): the tokenizer of every Stable Diffusion text encoder.
 * Reads as transformers' `CLIPTokenizerFast` does.
 *
 * @example
 * ```ts
 * const tokenizer = await CLIPTokenizer.fromPretrained("./stable-diffusion-v1-5/tokenizer");
 * const ids = tokenizer.encode(["", "a photo of a cat"]); // [2, 77]
 * ```
 */
export class CLIPTokenizer {
  /** The data it was made from, defaults filled in: `new CLIPTokenizer({ ...tokenizer.vocabulary, addedTokens })`. */
  readonly vocabulary: CompleteVocabulary;
  /** Tokens per prompt, begin and end included; 77 for every published Stable Diffusion. */
  readonly modelMaxLength: number;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly #bytePairs: BytePairs;

  /**
   * From parsed data.
   *
   * @throws LatentKitError `"invalid-checkpoint"` when a merge or a special token is not in the vocabulary.
   * @example
   * ```ts
   * const vocab = { a: 0, b: 1, "b</w>": 2, "ab</w>": 3, "<|startoftext|>": 4, "<|endoftext|>": 5 };
   * const tokenizer = new CLIPTokenizer({ vocab, merges: [["a", "b</w>"]] });
   * tokenizer.encode("AB", { maxLength: 4 }).data; // Int32Array [4, 3, 5, 5]
   * ```
   */
  constructor(vocabulary: CLIPVocabulary) {
    const complete = withDefaults(vocabulary);
    checkVocabulary(complete);
    this.vocabulary = complete;
    this.modelMaxLength = complete.modelMaxLength;
    this.bosTokenId = specialId(complete, "bosToken");
    this.eosTokenId = specialId(complete, "eosToken");
    this.padTokenId = specialId(complete, "padToken");
    this.#bytePairs = bytePairs(complete);
  }

  /**
   * Opens a `tokenizer/` folder: `vocab.json` and `merges.txt`, or `tokenizer.json`, with the settings of
   * `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` where there are any.
   *
   * @throws LatentKitError `"file-not-found"`, `"invalid-checkpoint"`, or `"unsupported-model"` for another kind of tokenizer.
   */
  static async fromPretrained(source: ModelSource, options: HubOptions = {}): Promise<CLIPTokenizer> {
    return new CLIPTokenizer(await readVocabulary(await openSource(source, options)));
  }

  /**
   * Ids `[texts, maxLength]`: begin, the text's tokens cut to `maxLength - 2`, end, padding.
   *
   * @throws TypeError when a text is not a string, RangeError when `maxLength` is not an integer of at least 2.
   */
  encode(texts: string | readonly string[], options: EncodeOptions = {}): TokenIds {
    const batch = typeof texts === "string" ? [texts] : checkTexts(texts);
    const maxLength = this.#maxLength(options);
    const ids = new Int32Array(batch.length * maxLength).fill(this.padTokenId);
    batch.forEach((text, row) => {
      const inner = this.#ids(text).slice(0, maxLength - 2);
      ids.set([this.bosTokenId, ...inner, this.eosTokenId], row * maxLength);
    });
    return tokenIds(ids, [batch.length, maxLength]);
  }

  /** The end of a text that `encode` cuts off, or undefined when all of it fits. */
  overflow(text: string, options: EncodeOptions = {}): string | undefined {
    const rest = this.#ids(checkText(text, "text")).slice(this.#maxLength(options) - 2);
    return rest.length === 0 ? undefined : this.decode(rest);
  }

  /** A text's tokens, without begin, end and limit. */
  tokenize(text: string): string[] {
    return this.#bytePairs.tokenize(checkText(text, "text"));
  }

  /**
   * The text of one row of ids, in lower case and with words and punctuation apart. Begin, end and padding are left out.
   *
   * @throws RangeError when an id is not in the vocabulary.
   */
  decode(ids: Iterable<number>): string {
    const list = [...ids];
    const stranger = list.find((id) => !this.#bytePairs.has(id));
    if (stranger !== undefined) throw new RangeError(`ids: ${stranger} is not in the vocabulary`);
    const end = list.findLastIndex((id) => id !== this.padTokenId) + 1;
    const inner = list.slice(0, end).filter((id) => id !== this.bosTokenId && id !== this.eosTokenId);
    return inner.length === 0 ? "" : this.#bytePairs.decode(inner).trim();
  }

  #ids(text: string): number[] {
    return this.#bytePairs.encode(text);
  }

  #maxLength({ maxLength = this.modelMaxLength }: EncodeOptions): number {
    if (Number.isSafeInteger(maxLength) && maxLength >= 2) return maxLength;
    throw new RangeError(`maxLength: expected an integer of at least 2, got ${maxLength}`);
  }
}

function checkTexts(texts: readonly string[]): readonly string[] {
  if (!Array.isArray(texts)) throw new TypeError(`texts: expected a string or strings, got ${describe(texts)}`);
  texts.forEach((text, index) => {
    checkText(text, `texts[${index}]`);
  });
  return texts;
}

function checkText(text: string, what: string): string {
  if (typeof text !== "string") throw new TypeError(`${what}: expected a string, got ${describe(text)}`);
  return text;
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}
