import { LatentKitError } from "@latentkit/core";
import { type WeightsFile, weightsFile } from "./weights-file.js";

/** What is taken, in this order, when no variant is asked for, or a component does not have it. */
const USUAL_VARIANTS = [undefined, "fp16", "bf16"];

const PICKLE = /\.(bin|ckpt|pt|pth|pkl)$/;
const BESIDES_PICKLES = /\.(msgpack|h5|gguf|xml)$/;

/** Folders that need no weights although they may have a `config.json`. */
const WITHOUT_WEIGHTS = /tokenizer|scheduler|processor|feature_extractor/;

/**
 * One set of weights of a component, out of all in its folder: the variant, else the plain one, else the 16-bit one; one
 * file before shards; safetensors before ONNX.
 *
 * @param place the folder, for messages.
 * @throws LatentKitError `"unsupported-model"` when there are only other formats, `"file-not-found"` when a shard is missing.
 */
export function neededWeights(files: readonly string[], variant: string | undefined, place: string): readonly string[] {
  const weights = files.flatMap((path) => weightsFile(path) ?? []);
  const variants = variant === undefined ? USUAL_VARIANTS : [variant, ...USUAL_VARIANTS];
  for (const format of ["safetensors", "onnx"] as const) {
    for (const wanted of variants) {
      const set = smallestSet(weights.filter((file) => file.format === format && file.variant === wanted));
      if (set.length > 0) return [...checkShards(set, place), ...companions(set, files)];
    }
  }
  checkAbsence(files, weights, place);
  return [];
}

/** The files of the set with the fewest shards. */
function smallestSet(files: readonly WeightsFile[]): readonly WeightsFile[] {
  const shards = Math.min(...files.map((file) => file.shards));
  const set = files.filter((file) => file.shards === shards);
  // several graphs of one kind: exporters call the component's own `model.onnx`
  const [graph] = set.length > 1 && shards === 1 ? set.filter((file) => /(^|\/)model\b/.test(file.path)) : [];
  return graph ? [graph] : set;
}

function checkShards(set: readonly WeightsFile[], place: string): readonly string[] {
  const { shards = 1 } = set[0] ?? {};
  const numbers = new Set(set.map((file) => file.shard));
  const missing = Array.from({ length: shards }, (_, i) => i + 1).filter((number) => !numbers.has(number));
  if (missing.length === 0) return set.map((file) => file.path);
  const message = `${place}: shard ${missing.join(", ")} of ${shards} is missing; the model is incomplete`;
  throw new LatentKitError("file-not-found", message);
}

/** What belongs to weights: the index of shards, the tensors that a graph keeps outside. */
function companions(set: readonly WeightsFile[], files: readonly string[]): readonly string[] {
  const [{ path, format, variant, shards } = { path: "", format: "", variant: "", shards: 1 }] = set;
  if (format === "onnx") {
    const stem = path.slice(0, -".onnx".length);
    const isData = (file: string) => /(^|\/)weights\.pb$/.test(file) || file === `${stem}.data`;
    return files.filter((file) => isData(file) || (file.startsWith(path) && file !== path));
  }
  if (shards === 1) return [];
  return files.filter((file) => variantOfIndex(file) === (variant ?? ""));
}

/** `model.safetensors.index.fp16.json` and `model.fp16.safetensors.index.json` are of variant fp16; plain ones of "". */
function variantOfIndex(path: string): string | undefined {
  const found = /(?:\/|^)[^./]+(?:\.([\w-]+))?\.safetensors\.index(?:\.([\w-]+))?\.json$/.exec(path);
  return found ? (found[1] ?? found[2] ?? "") : undefined;
}

/** A folder with a network's configuration must have weights that can be opened. */
function checkAbsence(files: readonly string[], weights: readonly WeightsFile[], place: string): void {
  const variants = [...new Set(weights.map((file) => file.variant))].join(", ");
  if (variants !== "") {
    throw new LatentKitError("file-not-found", `${place} has only weights of the variants ${variants}; pass variant`);
  }
  const others = files.filter((path) => PICKLE.test(path) || BESIDES_PICKLES.test(path));
  if (others.length > 0) throw new LatentKitError("unsupported-model", `${place}: ${otherFormats(others)}`);
  const isNetwork = files.some((path) => /(^|\/)config\.json$/.test(path)) && !WITHOUT_WEIGHTS.test(place);
  if (isNetwork) throw new LatentKitError("file-not-found", `${place} has no weights; the model is incomplete`);
}

/** What to say of weights that are not opened. */
export function otherFormats(files: readonly string[]): string {
  const names = files.slice(0, 3).join(", ");
  const danger = files.some((path) => PICKLE.test(path))
    ? "a pickle can run code when it is read"
    : "not readable here";
  return `found only ${names} (${danger}); take a version in .safetensors, or convert it with Diffusers' save_pretrained`;
}
