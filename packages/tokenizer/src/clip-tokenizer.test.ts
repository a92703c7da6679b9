import { LatentKitError } from "@latentkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clipVocabulary, clipVocabularyFiles } from "../../../tests/clip-vocabulary.js";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { goldenJson, goldenTensors } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { CLIPTokenizer } from "./clip-tokenizer.js";

interface Prompt {
  readonly text: string;
  readonly ids: number[];
  /** Whether OpenAI's tokenizer reads the text alike; `decoded` is its reading. */
  readonly agree: boolean;
  readonly decoded?: string;
}

// reference readings of CLIPTokenizerFast and of OpenAI's simple_tokenizer; see fixtures/README.md
const prompts = goldenJson<Prompt[]>("tokenizer/prompts.json");
const real = clipVocabulary();
const tokenizer = new CLIPTokenizer(real);
const paddedWithZero = new CLIPTokenizer({ ...real, padToken: "!" });

describe("with OpenAI's vocabulary", () => {
  it("has its size and special tokens", () => {
    expect(Object.keys(real.vocab)).toHaveLength(49408);
    expect(real.merges).toHaveLength(48894);
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId]).toEqual([49406, 49407, 49407]);
    expect(paddedWithZero.padTokenId).toBe(0);
  });

  it.each(prompts.map((prompt, row) => ({ row, ...prompt })))("reads $row: $text", ({ text, ids }) => {
    expect(tokenizer.tokenize(text).map((token) => real.vocab[token])).toEqual(ids);
    expect(row(tokenizer, text)).toEqual(padded(ids, 49407));
    expect(row(paddedWithZero, text)).toEqual(padded(ids, 0));
  });

  it.each([
    ["padded_eos", tokenizer],
    ["padded_0", paddedWithZero],
  ])("pads and cuts like %s", (name, subject) => {
    const expected = goldenTensors("tokenizer/padded.safetensors").get(name)!;
    prompts.forEach(({ text, agree }, index) => {
      if (agree)
        expect(row(subject, text)).toEqual(Array.from(expected.data, Number).slice(index * 77, (index + 1) * 77));
    });
  });

  it("decodes what OpenAI's tokenizer decodes, without the space at the end", () => {
    const readable = prompts.filter(({ decoded, text }) => decoded !== undefined && !text.includes("<|"));
    expect(readable.length).toBeGreaterThan(200);
    for (const { ids, decoded } of readable) expect(tokenizer.decode(ids)).toBe(decoded!.trim());
  });

  it("leaves begin, end and padding out of decoded text", () => {
    expect(tokenizer.decode(tokenizer.encode("A photo of a cat!").data)).toBe("a photo of a cat !");
    expect(paddedWithZero.decode(paddedWithZero.encode("A photo of a cat!").data)).toBe("a photo of a cat !");
    expect(tokenizer.decode(tokenizer.encode("").data)).toBe("");
  });

  it("encodes several texts as rows, at any length", () => {
    const ids = tokenizer.encode(["", "a cat", "one two three four"], { maxLength: 5 });
    expect(ids.shape).toEqual([3, 5]);
    expect([...ids.data]).toEqual([
      ...[49406, 49407, 49407, 49407, 49407],
      ...[49406, 320, 2368, 49407, 49407],
      ...[49406, 637, 1237, 2097, 49407],
    ]);
    expect(tokenizer.encode([]).shape).toEqual([0, 77]);
  });

  it("tells what it cuts off", () => {
    expect(tokenizer.overflow(`${"cat ".repeat(74)}dog`)).toBeUndefined();
    expect(tokenizer.overflow(`${"cat ".repeat(75)}red apple`)).toBe("red apple");
    expect(tokenizer.overflow("one two three", { maxLength: 4 })).toBe("three");
  });

  it("reads any text", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary", maxLength: 300 }),
      loneSurrogates,
    );
    fc.assert(
      fc.property(text, (any) => {
        const ids = row(tokenizer, any);
        expect(ids).toHaveLength(77);
        expect(ids[0]).toBe(49406);
        expect(ids).toContain(49407);
        expect(ids.every((id) => id >= 0 && id < 49408)).toBe(true);
        expect(typeof tokenizer.decode(ids)).toBe("string");
      }),
      { numRuns: 500 },
    );
  });

  it("reads decoded text of plain words again", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { maxLength: 20 });
    fc.assert(
      fc.property(words, (list) => {
        expect(tokenizer.decode(row(tokenizer, list.join(" ")))).toBe(list.join(" "));
      }),
    );
  });

  it("reads a text of a megabyte, and a word of a hundred kilobytes", () => {
    expect(row(tokenizer, "an apple! ".repeat(1e5)).slice(0, 4)).toEqual([49406, 550, 3055, 256]);
    expect(row(tokenizer, "x".repeat(1e5))).toHaveLength(77);
  });
});

it("is made from plain data too", () => {
  const vocab = { a: 0, b: 1, "b</w>": 2, "ab</w>": 3, "<|startoftext|>": 4, "<|endoftext|>": 5 };
  const small = new CLIPTokenizer({ vocab, merges: [["a", "b</w>"]] });
  expect([...small.encode("AB", { maxLength: 4 }).data]).toEqual([4, 3, 5, 5]);
});

describe("added tokens", () => {
  const addedTokens = { "<cat-toy>": 49408, "<cat-toy>_1": 49409 };
  const taught = new CLIPTokenizer({ ...tokenizer.vocabulary, addedTokens });

  it("are found inside words, the longest first", () => {
    expect(row(taught, "a <cat-toy>,<cat-toy>_1!").slice(0, 7)).toEqual([49406, 320, 49408, 267, 49409, 256, 49407]);
    expect(taught.decode([320, 49408])).toContain("<cat-toy>");
  });

  it("leave the tokenizer they were added to alone", () => {
    expect(row(tokenizer, "<cat-toy>")).not.toContain(49408);
  });
});

describe("a tokenizer/ folder", () => {
  // input_ids of the reference pipeline's runs on its tiny checkpoint, without the padding
  const cases = goldenJson<Prompt[]>("tokenizer/tiny-prompts.json");

  it("encodes as the reference pipeline does", async () => {
    const tiny = await CLIPTokenizer.fromPretrained(fixtureFiles("tokenizer/tiny"));
    for (const { text, ids } of cases)
      expect(row(tiny, text)).toEqual([...ids, ...new Array(77 - ids.length).fill(999)]);
  });

  it("pads with the pad token", async () => {
    const tiny = await CLIPTokenizer.fromPretrained(fixtureFiles("tokenizer/tiny-pad-0"));
    for (const { text, ids } of cases) expect(row(tiny, text)).toEqual([...ids, ...new Array(77 - ids.length).fill(0)]);
  });

  it("with the real vocabulary loads within seconds", async () => {
    const files = memoryFiles(clipVocabularyFiles());
    const loading = performance.now();
    const loaded = await CLIPTokenizer.fromPretrained(files);
    // 0.2 s on a free machine
    expect(performance.now() - loading).toBeLessThan(3000);
    expect([...loaded.encode("a photo of a cat").data]).toEqual(row(tokenizer, "a photo of a cat"));
  });
});

describe("bad input", () => {
  it.each([[undefined], [null], [7], [["a", 7]], [{}]])("refuses %j as text", (text) => {
    // @ts-expect-error: what JavaScript callers may pass
    expect(() => tokenizer.encode(text)).toThrow(TypeError);
  });

  it("names the text that is not one", () => {
    // @ts-expect-error: what JavaScript callers may pass
    expect(() => tokenizer.encode(["a", null])).toThrow("texts[1]: expected a string, got null");
  });

  it.each([1, 0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a length of %d", (maxLength) => {
    expect(() => tokenizer.encode("a", { maxLength })).toThrow(RangeError);
  });

  it("refuses ids that no token has", () => {
    expect(() => tokenizer.decode([320, 49408])).toThrow("ids: 49408 is not in the vocabulary");
  });

  const tiny = {
    vocab: { a: 0, "b</w>": 1, "ab</w>": 2, "<|startoftext|>": 3, "<|endoftext|>": 4 },
    merges: [["a", "b</w>"]] as const,
  };

  it.each([
    ["padToken", { padToken: "!" }, 'padToken "!" is not in the vocabulary'],
    ["bosToken", { bosToken: "[CLS]" }, 'bosToken "[CLS]"'],
    ["merge", { merges: [["a", "b"]] as const }, 'merge 0 (a b): "b" is not in the vocabulary'],
    ["inherited name", { merges: [["constr", "uctor"]] as const }, '"constr" is not in the vocabulary'],
    ["shared id", { vocab: { ...tiny.vocab, c: 2 } }, 'tokens "ab</w>" and "c" share the id 2'],
    ["id", { vocab: { ...tiny.vocab, c: -1 } }, 'token "c": expected a non-negative integer id, got -1'],
    ["length", { modelMaxLength: 1 }, "modelMaxLength: expected an integer of at least 2, got 1"],
  ])("names a %s that does not fit", (_, change, message) => {
    expect(() => new CLIPTokenizer({ ...tiny, ...change })).toThrow(message);
    expect(() => new CLIPTokenizer({ ...tiny, ...change })).toThrow(LatentKitError);
  });
});

const loneSurrogates = fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 })).map((units) => String.fromCharCode(...units));

function row(subject: CLIPTokenizer, text: string): number[] {
  return [...subject.encode(text).data];
}

function padded(ids: readonly number[], pad: number): number[] {
  const cut = [49406, ...ids.slice(0, 75), 49407];
  return [...cut, ...new Array<number>(77 - cut.length).fill(pad)];
}
