import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { clipVocabulary } from "../../../tests/clip-vocabulary.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { CLIPTokenizer } from "./clip-tokenizer.js";
import { openAITokenizerFiles, openAIVocabulary } from "./openai-vocabulary.js";

it("is the vocabulary that another package carries", async () => {
  const { vocab, merges } = await openAIVocabulary();
  expect(vocab).toEqual(clipVocabulary().vocab);
  expect(merges).toEqual(clipVocabulary().merges);
});

it("has the files of published checkpoints, byte for byte where JSON is not laid out anew", async () => {
  const files = await openAITokenizerFiles();
  // sha256sum merges.txt, in Stable Diffusion 1.5's tokenizer/
  const merges = createHash("sha256").update(files["merges.txt"]!).digest("hex");
  expect(merges).toBe("9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a");
  expect(files["merges.txt"]).toHaveLength(524_619);
});

it.each([
  [undefined, 49407],
  ["!", 0],
])("pads with %s as id %i", async (padToken, id) => {
  const tokenizer = await CLIPTokenizer.fromPretrained(memoryFiles(await openAITokenizerFiles(padToken)));
  expect([...tokenizer.encode("a photo of a cat").data.slice(0, 9)]).toEqual([
    ...[49406, 320, 1125, 539, 320, 2368, 49407],
    ...[id, id],
  ]);
  expect(tokenizer.modelMaxLength).toBe(77);
});
