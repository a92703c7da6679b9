import { LatentKitError, type LatentKitErrorCode } from "@latentkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryFiles } from "../../../tests/memory-files.js";
import { CLIPTokenizer } from "./clip-tokenizer.js";

const vocab = { a: 0, "b</w>": 1, "ab</w>": 2, "!": 3, "<|startoftext|>": 4, "<|endoftext|>": 5 };
const parts = { "vocab.json": JSON.stringify(vocab), "merges.txt": "#version: 0.2\na b</w>\n" };
const model = { type: "BPE", end_of_word_suffix: "</w>", vocab, merges: ["a b</w>"] };

function load(contents: Record<string, unknown>): Promise<CLIPTokenizer> {
  const texts = Object.entries(contents).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return CLIPTokenizer.fromPretrained(memoryFiles(Object.fromEntries(texts), "model").at("tokenizer"));
}

const inFolder = (contents: Record<string, unknown>) =>
  load(Object.fromEntries(Object.entries(contents).map(([name, value]) => [`tokenizer/${name}`, value])));

async function ids(contents: Record<string, unknown>, text = "ab"): Promise<number[]> {
  return [...(await inFolder(contents)).encode(text).data];
}

describe("layouts", () => {
  it("reads vocab.json and merges.txt", async () => {
    const found = await ids(parts);
    expect(found).toHaveLength(77);
    expect(found.slice(0, 4)).toEqual([4, 2, 5, 5]);
  });

  it("reads merges with Windows line ends and without a version line", async () => {
    expect((await ids({ ...parts, "merges.txt": "a b</w>\r\n\r\n" })).slice(0, 3)).toEqual([4, 2, 5]);
  });

  it.each([
    ["texts", ["a b</w>"]],
    ["pairs", [["a", "b</w>"]]],
  ])("reads tokenizer.json with merges as %s", async (_, merges) => {
    const added_tokens = [
      { id: 5, content: "<|endoftext|>" },
      { id: 6, content: "<cat>" },
    ];
    const whole = { added_tokens, model: { ...model, merges } };
    expect((await ids({ "tokenizer.json": whole }, "ab<cat>")).slice(0, 4)).toEqual([4, 2, 6, 5]);
  });
});

describe("settings", () => {
  it("takes special tokens as texts and as objects, special_tokens_map.json first", async () => {
    const settings = { pad_token: "<|endoftext|>", eos_token: { content: "!" }, model_max_length: 5 };
    const contents = {
      ...parts,
      "tokenizer_config.json": settings,
      "special_tokens_map.json": { pad_token: { content: "a" } },
    };
    expect(await ids(contents)).toEqual([4, 2, 3, 0, 0]);
  });

  it.each([[1e30], [undefined], [null]])(
    "limits to 77 tokens when model_max_length is %s",
    async (model_max_length) => {
      expect(await ids({ ...parts, "tokenizer_config.json": { model_max_length } })).toHaveLength(77);
    },
  );

  it("takes added tokens from added_tokens.json and added_tokens_decoder", async () => {
    const added_tokens_decoder = { 4: { content: "<|startoftext|>" }, 7: { content: "<dog>" } };
    const contents = {
      ...parts,
      "added_tokens.json": { "<cat>": 6 },
      "tokenizer_config.json": { added_tokens_decoder },
    };
    expect((await ids(contents, "<dog><cat>")).slice(0, 4)).toEqual([4, 7, 6, 5]);
  });
});

describe("broken folders", () => {
  const cases: [string, Record<string, unknown>, LatentKitErrorCode, string][] = [
    [
      "nothing",
      {},
      "file-not-found",
      "model/tokenizer: vocab.json and merges.txt not found; a CLIP tokenizer needs vocab.json and merges.txt, or tokenizer.json",
    ],
    ["no merges", { "vocab.json": vocab }, "file-not-found", "model/tokenizer: merges.txt not found"],
    [
      "cut JSON",
      { ...parts, "vocab.json": '{"a": 0' },
      "invalid-checkpoint",
      "tokenizer/vocab.json is not valid JSON: line 1, column 8",
    ],
    ["a list", { ...parts, "vocab.json": ["a"] }, "invalid-checkpoint", "tokenizer/vocab.json: expected a JSON object"],
    ["a text as id", { ...parts, "vocab.json": { ...vocab, c: "6" } }, "invalid-checkpoint", 'the id of "c" is "6"'],
    [
      "a merge of three",
      { ...parts, "merges.txt": "#version: 0.2\na b c\n" },
      "invalid-checkpoint",
      'merges.txt: merge 2 is not two tokens: ["a","b","c"]',
    ],
    [
      "foreign merges",
      { ...parts, "merges.txt": "x y</w>" },
      "invalid-checkpoint",
      'merge 0 (x y</w>): "x" is not in the vocabulary',
    ],
    [
      "a foreign pad token",
      { ...parts, "special_tokens_map.json": { pad_token: "[PAD]" } },
      "invalid-checkpoint",
      'padToken "[PAD]" is not in the vocabulary of 6 tokens',
    ],
    [
      "a length of zero",
      { ...parts, "tokenizer_config.json": { model_max_length: 0 } },
      "invalid-checkpoint",
      "modelMaxLength",
    ],
    [
      "another model",
      { "tokenizer.json": { model: { type: "Unigram", vocab: [] } } },
      "unsupported-model",
      "tokenizer.json is not a CLIP tokenizer",
    ],
    [
      "no merges inside",
      { "tokenizer.json": { model: { ...model, merges: null } } },
      "invalid-checkpoint",
      "model.vocab or model.merges is missing",
    ],
  ];

  it.each(cases)("with %s", async (_, contents, code, message) => {
    await expect(inFolder(contents)).rejects.toThrow(message);
    await expect(inFolder(contents)).rejects.toMatchObject({ name: "LatentKitError", code });
  });

  it("refuses bytes that are not text", async () => {
    const files = memoryFiles({ "vocab.json": new Uint8Array([0xff, 0xfe]), "merges.txt": "" });
    await expect(CLIPTokenizer.fromPretrained(files)).rejects.toThrow("vocab.json is not UTF-8 text");
  });

  it("never fail in another way", async () => {
    const content = fc.oneof(fc.string(), fc.json(), fc.constantFrom(...Object.values(parts)));
    const name = fc.constantFrom(
      "vocab.json",
      "merges.txt",
      "tokenizer.json",
      "tokenizer_config.json",
      "special_tokens_map.json",
      "added_tokens.json",
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, content), async (changes) => {
        await inFolder({ ...parts, ...changes }).catch((error) => {
          expect(LatentKitError.isInstance(error), String(error)).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });
});
