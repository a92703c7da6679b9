import { type CompleteVocabulary, idOf } from "../packages/tokenizer/src/clip-vocabulary.js";

/**
 * CLIP's byte-pair encoding in the form of a `tokenizer.json`, which checkpoints of Stable Diffusion often lack.
 * Equal to the one that transformers writes for `CLIPTokenizerFast`, without padding and truncation.
 */
export function clipAlgorithm(vocabulary: CompleteVocabulary): object {
  const { vocab, merges, bosToken, eosToken, unkToken, addedTokens } = vocabulary;
  return {
    added_tokens: [...new Set([bosToken, eosToken, ...Object.keys(addedTokens)])].map((content) => ({
      content,
      id: idOf(vocabulary, content),
      special: content === bosToken || content === eosToken,
      normalized: false,
    })),
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", unk_token: unkToken, end_of_word_suffix: "</w>", vocab, merges },
  };
}

const normalizer = {
  type: "Sequence",
  normalizers: [
    { type: "NFC" },
    { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
    // the reference lower-cases each character alone, JavaScript turns a sigma at the end of a word into ς
    { type: "Replace", pattern: { String: "Σ" }, content: "σ" },
    { type: "Lowercase" },
    // dropped again by the pattern below; without it <|ENDOFTEXT|> alone would be read as the special token it becomes here
    { type: "Prepend", prepend: " " },
  ],
};

const preTokenizer = {
  type: "Sequence",
  pretokenizers: [
    {
      type: "Split",
      pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
      behavior: "Removed",
      invert: true,
    },
    // its own pattern would split nothing further, but takes a byte order mark for a space
    { type: "ByteLevel", add_prefix_space: false, use_regex: false },
  ],
};
