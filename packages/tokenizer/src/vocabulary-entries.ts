import { LatentKitError, type ModelFile } from "@latentkit/core";
import type { CLIPVocabulary } from "./clip-vocabulary.js";

/** What every layout of a tokenizer's files has. */
export type VocabularyCore = Required<Pick<CLIPVocabulary, "vocab" | "merges" | "addedTokens">>;

/** The two tokens of a merge. @throws LatentKitError `"invalid-checkpoint"` for anything else. */
export function pair(file: ModelFile, index: number, entry: unknown): readonly [string, string] {
  const [left, right, ...rest]: unknown[] = Array.isArray(entry) ? entry : [];
  if (typeof left === "string" && left !== "" && typeof right === "string" && right !== "" && rest.length === 0)
    return [left, right];
  throw broken(file, `merge ${index + 1} is not two tokens: ${JSON.stringify(entry)}`);
}

/** Tokens with their ids. @throws LatentKitError `"invalid-checkpoint"` where one is no number. */
export function checkIds(file: ModelFile, vocab: Record<string, unknown>): Record<string, number> {
  if (isIds(vocab)) return vocab;
  const [token, id] = Object.entries(vocab).find(([, value]) => typeof value !== "number") ?? [];
  throw broken(file, `the id of ${JSON.stringify(token)} is ${JSON.stringify(id)}`);
}

function isIds(vocab: Record<string, unknown>): vocab is Record<string, number> {
  return Object.values(vocab).every((id) => typeof id === "number");
}

/** What to tell about a file of a tokenizer. */
export function broken(file: ModelFile, problem: string): LatentKitError {
  return new LatentKitError("invalid-checkpoint", `${file.name}: ${problem}; download it again`);
}
