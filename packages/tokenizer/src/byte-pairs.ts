import { lettersOf, textOfLetters } from "./byte-letters.js";
import { type CompleteVocabulary, idOf } from "./clip-vocabulary.js";
import { mergeSymbols } from "./merge-symbols.js";

/** Texts as tokens, and back. */
export interface BytePairs {
  /** The tokens of a text; what the vocabulary lacks is `unkToken`. */
  tokenize(text: string): string[];
  encode(text: string): number[];
  /** The text of ids, words apart. */
  decode(ids: readonly number[]): string;
  has(id: number): boolean;
}

/** Spaces are Unicode's: a byte order mark is none. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
const WORD_END = "</w>";
/** Words remembered with their tokens. */
const MOST_WORDS = 10_000;

/** CLIP's byte-pair encoding (Radford et al. 2021, §2.4), as transformers' `CLIPTokenizerFast` does it. */
export function bytePairs(vocabulary: CompleteVocabulary): BytePairs {
  const { vocab, merges, bosToken, eosToken, unkToken, addedTokens } = vocabulary;
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const whole = new Set([bosToken, eosToken, ...Object.keys(addedTokens)]);
  const tokens = new Map([...Object.entries(vocab), ...Object.entries(addedTokens)].map(([token, id]) => [id, token]));
  const parts = partsPattern(whole);
  const known = new Map<string, readonly string[]>();

  function tokensOf(word: string): readonly string[] {
    const found = known.get(word);
    if (found) return found;
    const letters = lettersOf(word);
    const symbols = [...letters.slice(0, -1), `${letters.at(-1)}${WORD_END}`];
    const merged = mergeSymbols(symbols, ranks).map((symbol) => (Object.hasOwn(vocab, symbol) ? symbol : unkToken));
    if (known.size === MOST_WORDS) known.clear();
    known.set(word, merged);
    return merged;
  }

  function tokenize(text: string): string[] {
    const tokens: string[] = [];
    for (const part of text.split(parts)) {
      if (whole.has(part)) tokens.push(part);
      else
        for (const word of normalized(part).match(WORD) ?? []) for (const token of tokensOf(word)) tokens.push(token);
    }
    return tokens;
  }

  function decode(ids: readonly number[]): string {
    let text = "";
    let letters = "";
    for (const id of ids) {
      const token = tokens.get(id) ?? "";
      if (whole.has(token)) {
        text += textOfLetters(letters) + token;
        letters = "";
      } else letters += token;
    }
    return (text + textOfLetters(letters)).replaceAll(WORD_END, " ");
  }

  return {
    tokenize,
    encode: (text) => tokenize(text).map((token) => idOf(vocabulary, token) ?? 0),
    decode,
    has: (id) => tokens.has(id),
  };
}

/** Splits a text at tokens that are found as they are, the longest first, and keeps them. */
function partsPattern(whole: ReadonlySet<string>): RegExp {
  const longestFirst = [...whole].filter((token) => token !== "").sort((a, b) => b.length - a.length);
  return new RegExp(`(${longestFirst.map((token) => token.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|")})`);
}

/** The reference lower-cases each character alone, JavaScript turns a sigma at the end of a word into ς. */
function normalized(text: string): string {
  return text.normalize("NFC").replaceAll("Σ", "σ").toLowerCase();
}
