import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clipAlgorithm } from "../../../tests/clip-algorithm.js";
import { clipVocabulary } from "../../../tests/clip-vocabulary.js";
import { bytePairs } from "./byte-pairs.js";
import { withDefaults } from "./clip-vocabulary.js";
import { mergeSymbols } from "./merge-symbols.js";

const added = { "<cat-toy>": 49408, "<cat-toy>_1": 49409, "a.b*c": 49410 };
const vocabulary = withDefaults({ ...clipVocabulary(), addedTokens: added });
const ours = bytePairs(vocabulary);
const theirs = new Tokenizer(clipAlgorithm(vocabulary), { clean_up_tokenization_spaces: false });

const words = fc.constantFrom(
  ...[
    "a cat",
    "Σίσυφος ΣΑΣ",
    "  two  spaces ",
    "don't",
    "It'S",
    "1234",
    "<|endoftext|>",
    "<|ENDOFTEXT|>",
    "<|startoftext|>",
  ],
  ...[
    "<cat-toy>",
    "<cat-toy>_1",
    "a.b*c",
    "é",
    "é",
    "🐼🏽‍🚀",
    "日本語",
    "\ufeff",
    "\u0130",
    "ﬁ",
    "_",
    "\0",
    "</w>",
    "!!!",
    "ǅ",
  ],
);
const text = fc
  .array(fc.oneof(words, fc.string({ unit: "grapheme" }), fc.string({ unit: "binary", maxLength: 30 })), {
    maxLength: 6,
  })
  .map((parts) => parts.join(""));

describe("byte pairs", () => {
  it("are those of the general library, whatever the text", () => {
    fc.assert(
      fc.property(text, (any) => {
        expect(ours.tokenize(any)).toEqual(theirs.tokenize(any));
        expect(ours.encode(any)).toEqual(theirs.encode(any, { add_special_tokens: false }).ids);
      }),
      { numRuns: 3000 },
    );
  });

  it("give its text back, whatever the ids", () => {
    const ids = fc.array(fc.integer({ min: 0, max: 49410 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ids, (any) => {
        expect(ours.decode(any).trim()).toBe(theirs.decode(any).trim());
      }),
      { numRuns: 3000 },
    );
  });

  it("are joined by rank, from the left", () => {
    const ranks = new Map([
      ["b c", 0],
      ["a a", 1],
      ["a bc", 2],
    ]);
    expect(mergeSymbols([..."aaabc"], ranks)).toEqual(["aa", "abc"]);
    expect(mergeSymbols([], ranks)).toEqual([]);
  });
});
