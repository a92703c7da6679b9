import { isRecord, LatentKitError, type ModelFile, readJson } from "@latentkit/core";
import { broken, checkIds, pair, type VocabularyCore } from "./vocabulary-entries.js";

/** Reads a `tokenizer.json`, in which the `tokenizers` library has everything. */
export async function readTokenizerJson(file: ModelFile): Promise<VocabularyCore> {
  const { model, added_tokens: added } = await readJson(file);
  if (!isRecord(model) || model.type !== "BPE" || model.end_of_word_suffix !== "</w>") {
    throw new LatentKitError(
      "unsupported-model",
      `${file.name} is not a CLIP tokenizer; expected byte-pair encoding with "</w>" at word ends`,
    );
  }
  if (!isRecord(model.vocab) || !Array.isArray(model.merges))
    throw broken(file, "model.vocab or model.merges is missing");
  return {
    vocab: checkIds(file, model.vocab),
    merges: model.merges.map((entry, index) => pair(file, index, typeof entry === "string" ? entry.split(" ") : entry)),
    addedTokens: Object.fromEntries(
      (Array.isArray(added) ? added : []).filter(isRecord).map(({ content, id }) => [content, id]),
    ),
  };
}
