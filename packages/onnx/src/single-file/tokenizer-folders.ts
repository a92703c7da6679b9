import { LatentKitError, type ModelFiles } from "@latentkit/core";
import { memoryModel } from "@latentkit/hub";
import { openAITokenizerFiles } from "@latentkit/tokenizer";
import type { Description } from "./describe-model.js";
import type { Family } from "./family.js";
import { refusingFolder } from "./virtual-folder.js";

/** Tokens of the vocabulary that comes with the library; models that were taught words have more. */
const VOCABULARY = 49408;

/** Id 0, with which OpenCLIP's towers were trained. */
const OPEN_CLIP_PAD = "!";

/** Single files hold no tokenizers: CLIP's own are taken, or those of a folder that the caller gave. */
export function tokenizerFolders(
  location: string,
  { configs, family, index }: Description,
  given: ModelFiles | undefined,
): readonly (readonly [string, ModelFiles])[] {
  if (!index) return [];
  const rows = [
    { name: "tokenizer", encoder: "text_encoder", padToken: firstPadToken(family) },
    { name: "tokenizer_2", encoder: "text_encoder_2", padToken: OPEN_CLIP_PAD },
  ];
  const wanted = rows.filter(({ name }) => Array.isArray(index[name]) && index[name][0] !== null);
  return wanted.map(({ name, encoder, padToken }) => {
    const standard = standardFolder(`${location}/${name}`, configs.get(encoder)?.vocab_size, padToken);
    return [name, given ? either(given.at(name), standard) : standard];
  });
}

function firstPadToken(family: Family | undefined): string | undefined {
  return family === "sd2" || family === "x4-upscaler" ? OPEN_CLIP_PAD : undefined;
}

/** The files of CLIP's tokenizer, made when one is asked for. */
function standardFolder(location: string, size: unknown, padToken: string | undefined): ModelFiles {
  if (typeof size === "number" && size < VOCABULARY) return refusingFolder(location, otherVocabulary(location, size));
  let made: Promise<ModelFiles> | undefined;
  const make = async () => memoryModel(await openAITokenizerFiles(padToken), location);
  return {
    location,
    async find(path) {
      made ??= make();
      return (await made).find(path);
    },
    at: (folder) => memoryModel({}, `${location}/${folder}`),
  };
}

function otherVocabulary(location: string, size: number): LatentKitError {
  const problem = `its text encoder knows ${size} tokens, CLIP's vocabulary has ${VOCABULARY}`;
  return new LatentKitError("unsupported-model", `${location}: ${problem}; pass the tokenizer of this model`);
}

/** The first folder if it holds a tokenizer, else the second. */
function either(first: ModelFiles, second: ModelFiles): ModelFiles {
  const chosen = async () =>
    (await first.find("vocab.json")) || (await first.find("tokenizer.json")) ? first : second;
  return { ...second, find: async (path) => (await chosen()).find(path) };
}
