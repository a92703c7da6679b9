import { isRecord, LatentKitError, type ModelFile, type ModelFiles, readJson, readText } from "@latentkit/core";
import type { CLIPVocabulary } from "./clip-vocabulary.js";

type Json = Record<string, unknown>;
type Core = Required<Pick<CLIPVocabulary, "vocab" | "merges" | "addedTokens">>;

/** transformers writes 1e30 where it knows no limit. */
const NO_LIMIT = 1e20;

/** Reads a Hugging Face `tokenizer/` folder: the only place where its names and layouts are known. */
export async function readVocabulary(files: ModelFiles): Promise<CLIPVocabulary> {
  const [core, config, map, added] = await Promise.all([
    readCore(files),
    readOptional(files, "tokenizer_config.json"),
    readOptional(files, "special_tokens_map.json"),
    readAddedTokens(files),
  ]);
  const token = (key: string) => tokenText(map[key]) ?? tokenText(config[key]);
  const addedTokens = { ...core.addedTokens, ...decoderTokens(config.added_tokens_decoder), ...added };
  return {
    ...core,
    bosToken: token("bos_token"),
    eosToken: token("eos_token"),
    padToken: token("pad_token"),
    unkToken: token("unk_token"),
    modelMaxLength: limit(config.model_max_length),
    addedTokens: Object.fromEntries(Object.entries(addedTokens).filter(([text, id]) => core.vocab[text] !== id)),
  };
}

async function readCore(files: ModelFiles): Promise<Core> {
  const [vocab, merges] = await Promise.all([files.find("vocab.json"), files.find("merges.txt")]);
  if (vocab && merges) return { vocab: await readIds(vocab), merges: await readMerges(merges), addedTokens: {} };
  const whole = await files.find("tokenizer.json");
  if (whole) return readWhole(whole);
  if (files.singleFile) throw noTokenizer(files.location);
  const absent = [vocab ? [] : ["vocab.json"], merges ? [] : ["merges.txt"]].flat().join(" and ");
  throw new LatentKitError(
    "file-not-found",
    `${files.location}: ${absent} not found; a CLIP tokenizer needs vocab.json and merges.txt, or tokenizer.json`,
  );
}

function noTokenizer(location: string): LatentKitError {
  const remedy = "use CLIP's own: new CLIPTokenizer(await openAIVocabulary())";
  return new LatentKitError("unsupported-model", `${location}: a single file holds no tokenizer; ${remedy}`);
}

async function readWhole(file: ModelFile): Promise<Core> {
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

async function readMerges(file: ModelFile): Promise<(readonly [string, string])[]> {
  const lines = (await readText(file)).split(/\r?\n/);
  const first = lines[0]?.startsWith("#version") ? 1 : 0;
  return lines.slice(first).flatMap((line, index) => (line === "" ? [] : [pair(file, index + first, line.split(" "))]));
}

function pair(file: ModelFile, index: number, entry: unknown): readonly [string, string] {
  const [left, right, ...rest]: unknown[] = Array.isArray(entry) ? entry : [];
  if (typeof left === "string" && left !== "" && typeof right === "string" && right !== "" && rest.length === 0)
    return [left, right];
  throw broken(file, `merge ${index + 1} is not two tokens: ${JSON.stringify(entry)}`);
}

async function readIds(file: ModelFile): Promise<Record<string, number>> {
  return checkIds(file, await readJson(file));
}

async function readAddedTokens(files: ModelFiles): Promise<Record<string, number>> {
  const file = await files.find("added_tokens.json");
  return file ? readIds(file) : {};
}

function checkIds(file: ModelFile, vocab: Json): Record<string, number> {
  if (isIds(vocab)) return vocab;
  const [token, id] = Object.entries(vocab).find(([, value]) => typeof value !== "number") ?? [];
  throw broken(file, `the id of ${JSON.stringify(token)} is ${JSON.stringify(id)}`);
}

function isIds(vocab: Json): vocab is Record<string, number> {
  return Object.values(vocab).every((id) => typeof id === "number");
}

async function readOptional(files: ModelFiles, name: string): Promise<Json> {
  const file = await files.find(name);
  return file ? readJson(file) : {};
}

/** A special token is written as its text, or as an object that holds it. */
function tokenText(value: unknown): string | undefined {
  const text = isRecord(value) ? value.content : value;
  return typeof text === "string" ? text : undefined;
}

/** `{ "49408": { content: "<cat>" } }` → `{ "<cat>": 49408 }`. */
function decoderTokens(value: unknown): Record<string, number> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.flatMap(([id, token]) => [[tokenText(token), Number(id)]]).filter(([text]) => text !== undefined),
  );
}

function limit(value: unknown): number | undefined {
  return typeof value === "number" && value < NO_LIMIT ? value : undefined;
}

function broken(file: ModelFile, problem: string): LatentKitError {
  return new LatentKitError("invalid-checkpoint", `${file.name}: ${problem}; download it again`);
}
