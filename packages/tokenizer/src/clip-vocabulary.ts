import { LatentKitError } from "@latentkit/core";

/** What a CLIP tokenizer is made of, as plain data. */
export interface CLIPVocabulary {
  /** Token to id. A token that ends a word carries `</w>`. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs of tokens to join, the ones to join first in front. */
  readonly merges: readonly (readonly [string, string])[];
  /** Begins every prompt. @default "<|startoftext|>" */
  readonly bosToken?: string | undefined;
  /** Ends every prompt. @default "<|endoftext|>" */
  readonly eosToken?: string | undefined;
  /** Fills a prompt up to its length. SD 2 and SDXL's second tokenizer fill with `"!"`. @default "<|endoftext|>" */
  readonly padToken?: string | undefined;
  /** Stands for bytes that the vocabulary lacks. @default "<|endoftext|>" */
  readonly unkToken?: string | undefined;
  /** Tokens per prompt, begin and end included. @default 77 */
  readonly modelMaxLength?: number | undefined;
  /** Words found as they are before anything else is read, with their ids: those of textual inversion. @default {} */
  readonly addedTokens?: Readonly<Record<string, number>> | undefined;
}

/** The same with nothing left out. */
export type CompleteVocabulary = { readonly [Key in keyof CLIPVocabulary]-?: NonNullable<CLIPVocabulary[Key]> };

/** The defaults are those of `CLIPTokenizer` in transformers. */
export function withDefaults({
  vocab,
  merges,
  bosToken = "<|startoftext|>",
  eosToken = "<|endoftext|>",
  padToken = "<|endoftext|>",
  unkToken = "<|endoftext|>",
  modelMaxLength = 77,
  addedTokens = {},
}: CLIPVocabulary): CompleteVocabulary {
  return { vocab, merges, bosToken, eosToken, padToken, unkToken, modelMaxLength, addedTokens };
}

/** @throws LatentKitError `"invalid-checkpoint"` when the parts do not belong together. */
export function checkVocabulary(vocabulary: CompleteVocabulary): void {
  checkIds(vocabulary);
  checkMerges(vocabulary);
  specialId(vocabulary, "unkToken");
  const { modelMaxLength } = vocabulary;
  if (!Number.isSafeInteger(modelMaxLength) || modelMaxLength < 2) {
    throw invalid(`modelMaxLength: expected an integer of at least 2, got ${modelMaxLength}`);
  }
}

/** @throws LatentKitError `"invalid-checkpoint"` when the token is not in the vocabulary. */
export function specialId(
  vocabulary: CompleteVocabulary,
  role: "bosToken" | "eosToken" | "padToken" | "unkToken",
): number {
  const id = idOf(vocabulary, vocabulary[role]);
  if (id !== undefined) return id;
  const size = Object.keys(vocabulary.vocab).length;
  throw invalid(`${role} ${JSON.stringify(vocabulary[role])} is not in the vocabulary of ${size} tokens`);
}

/** The id of a whole token. */
export function idOf({ vocab, addedTokens }: CompleteVocabulary, token: string): number | undefined {
  if (Object.hasOwn(addedTokens, token)) return addedTokens[token];
  return Object.hasOwn(vocab, token) ? vocab[token] : undefined;
}

function checkIds({ vocab, addedTokens }: CompleteVocabulary): void {
  const owners = new Map<number, string>();
  for (const [token, id] of [...Object.entries(vocab), ...Object.entries(addedTokens)]) {
    if (!Number.isInteger(id) || id < 0 || id > 0x7fffffff) {
      throw invalid(`token ${JSON.stringify(token)}: expected a non-negative integer id, got ${JSON.stringify(id)}`);
    }
    const owner = owners.get(id) ?? token;
    if (owner !== token)
      throw invalid(`tokens ${JSON.stringify(owner)} and ${JSON.stringify(token)} share the id ${id}`);
    owners.set(id, token);
  }
}

function checkMerges({ vocab, merges }: CompleteVocabulary): void {
  merges.forEach(([left, right], index) => {
    const absent = [left, right, left + right].find((token) => !Object.hasOwn(vocab, token));
    if (absent === undefined) return;
    throw invalid(`merge ${index} (${left} ${right}): ${JSON.stringify(absent)} is not in the vocabulary`);
  });
}

function invalid(problem: string): LatentKitError {
  return new LatentKitError("invalid-checkpoint", `tokenizer: ${problem}; its files must come from one download`);
}
