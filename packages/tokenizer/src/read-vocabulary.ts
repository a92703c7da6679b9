import { isRecord, LatentKitError, type ModelFile, type ModelFiles, readJson, readText } from "@latentkit/core";
import type { CLIPVocabulary } from "./clip-vocabulary.js";
import { checkIds, pair, type VocabularyCore } from "./vocabulary-entries.js";

type Json = Record<string, unknown>;

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

async function readCore(files: ModelFiles): Promise<VocabularyCore> {
  const [vocab, merges] = await Promise.all([files.find("vocab.json"), files.find("merges.txt")]);
  if (vocab && merges) return { vocab: await readIds(vocab), merges: await readMerges(merges), addedTokens: {} };
  const whole = await files.find("tokenizer.json");
  // few folders have it alone
  if (whole) return (await import("./tokenizer-json.js")).readTokenizerJson(whole);
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

async function readMerges(file: ModelFile): Promise<(readonly [string, string])[]> {
  const lines = (await readText(file)).split(/\r?\n/);
  const first = lines[0]?.startsWith("#version") ? 1 : 0;
  return lines.slice(first).flatMap((line, index) => (line === "" ? [] : [pair(file, index + first, line.split(" "))]));
}

async function readIds(file: ModelFile): Promise<Record<string, number>> {
  return checkIds(file, await readJson(file));
}

async function readAddedTokens(files: ModelFiles): Promise<Record<string, number>> {
  const file = await files.find("added_tokens.json");
  return file ? readIds(file) : {};
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
