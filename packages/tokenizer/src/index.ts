export { CLIPTokenizer, type EncodeOptions } from "./clip-tokenizer.js";
export type { CLIPVocabulary, CompleteVocabulary } from "./clip-vocabulary.js";
export { openAITokenizerFiles, openAIVocabulary } from "./openai-vocabulary.js";
