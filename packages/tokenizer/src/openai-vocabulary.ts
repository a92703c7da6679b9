import type { CLIPVocabulary } from "./clip-vocabulary.js";

const BEGIN = "<|startoftext|>";
const END = "<|endoftext|>";

/** The character that stands for each byte, in the order of their ids: the printable ones first, as themselves. */
function byteSymbols(): string[] {
  const printable = [...span(0x21, 0x7e), ...span(0xa1, 0xac), ...span(0xae, 0xff)];
  const others = 0x100 - printable.length;
  return [...printable, ...span(0x100, 0xff + others)].map((code) => String.fromCharCode(code));
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The lines `left right` of a `merges.txt`. */
async function mergeLines(): Promise<string[]> {
  const { openAIMerges } = await import("./openai-merges.js");
  const compressed = Uint8Array.from(atob(openAIMerges), (character) => character.charCodeAt(0));
  const text = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(text).text()).trimEnd().split("\n").slice(1);
}

/**
 * The vocabulary that OpenAI trained CLIP with, 49,408 tokens, which every published Stable Diffusion uses. It comes
 * with this package (270 kB, loaded on use), for checkpoints without a `tokenizer/` folder: single files have none.
 * Its ids follow from the merges: 256 bytes, the same at word ends, one per merge, begin, end.
 *
 * @param padToken SD 1 and SDXL's first text encoder were trained with the default, SD 2 and SDXL's second with `"!"`.
 * @example
 * ```ts
 * const tokenizer = new CLIPTokenizer(await openAIVocabulary("!"));
 * tokenizer.encode("a photo of a cat").data; // Int32Array [49406, 320, 1125, 539, 320, 2368, 49407, 0, …]
 * ```
 */
export async function openAIVocabulary(padToken: string = END): Promise<CLIPVocabulary> {
  const merges = (await mergeLines()).map((line): [string, string] => {
    const [left = "", right = ""] = line.split(" ");
    return [left, right];
  });
  const bytes = byteSymbols();
  const joined = merges.map((pair) => pair.join(""));
  const tokens = [...bytes, ...bytes.map((symbol) => `${symbol}</w>`), ...joined, BEGIN, END];
  return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges, padToken };
}

/** The same as the files of a `tokenizer/` folder: names to bytes. */
export async function openAITokenizerFiles(padToken?: string): Promise<Record<string, Uint8Array>> {
  const { vocab, merges, padToken: pad } = await openAIVocabulary(padToken);
  const texts = {
    "vocab.json": JSON.stringify(vocab),
    "merges.txt": ["#version: 0.2", ...merges.map((pair) => pair.join(" ")), ""].join("\n"),
    "tokenizer_config.json": JSON.stringify({
      tokenizer_class: "CLIPTokenizer",
      model_max_length: 77,
      bos_token: BEGIN,
      eos_token: END,
      unk_token: END,
      pad_token: pad,
    }),
  };
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, new TextEncoder().encode(text)]));
}
