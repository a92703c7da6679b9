import { isRecord, LatentKitError, type ModelFile, type ModelFiles, readJson } from "@latentkit/core";
import { type CheckpointTensor, readSafetensorsHeader } from "./safetensors.js";

/** The tensors of one network, from one file or from several. */
export interface Checkpoint {
  /** Where it is, for messages. */
  readonly location: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly files: readonly ModelFile[];
}

/** A network's folder whose weights are known already: a part of a single file. */
export interface CheckpointFiles extends ModelFiles {
  readonly checkpoint: Checkpoint;
}

function hasCheckpoint(files: ModelFiles): files is CheckpointFiles {
  return "checkpoint" in files;
}

/** What is tried, after the plain names, when no variant is asked for. */
const USUAL_VARIANTS = ["fp16", "bf16"];

/** Weights that cannot be pointed into, by the names that Diffusers, transformers and their exporters give them. */
const OTHER_FORMATS = [
  "diffusion_pytorch_model.bin",
  "pytorch_model.bin",
  "model.ckpt",
  "model.onnx",
  "flax_model.msgpack",
];

/**
 * Opens the weights of one network as `save_pretrained` writes them: `<stem>.safetensors`, or shards listed in
 * `<stem>.safetensors.index.json`; with a variant `<stem>.fp16.safetensors` or `<stem>.safetensors.index.fp16.json`.
 * Without a variant the plain files are taken, or the 16-bit ones where only those exist. Reads headers only.
 *
 * @throws LatentKitError `"file-not-found"`, `"invalid-checkpoint"`, or `"unsupported-model"` when only other formats are there.
 * @example
 * ```ts
 * const checkpoint = await openCheckpoint(files.at("unet"), "diffusion_pytorch_model");
 * checkpoint.tensors.get("conv_in.weight")?.shape; // [320, 4, 3, 3]
 * ```
 */
export async function openCheckpoint(files: ModelFiles, stem: string, variant?: string): Promise<Checkpoint> {
  if (hasCheckpoint(files)) return files.checkpoint;
  const variants = variant === undefined ? [undefined, ...USUAL_VARIANTS] : [variant];
  for (const candidate of variants) {
    const whole = await files.find(wholeName(stem, candidate));
    if (whole) return openCheckpointFile(whole);
    for (const name of indexNames(stem, candidate)) {
      const index = await files.find(name);
      if (index) return openShards(files, index);
    }
  }
  throw await notFound(files, stem, variant);
}

/** Whether a folder has weights that `openCheckpoint` opens, of any variant. */
export async function hasWeights(files: ModelFiles, stem: string, variant?: string): Promise<boolean> {
  for (const candidate of new Set([variant, undefined, ...USUAL_VARIANTS]))
    if (await hasVariant(files, stem, candidate)) return true;
  return false;
}

/** Whether a folder has weights of this very variant; of none where that is undefined. */
export async function hasVariant(files: ModelFiles, stem: string, variant: string | undefined): Promise<boolean> {
  if (hasCheckpoint(files)) return true;
  for (const name of [wholeName(stem, variant), ...indexNames(stem, variant)]) if (await files.find(name)) return true;
  return false;
}

/**
 * Opens a single `.safetensors` file.
 *
 * @throws LatentKitError `"invalid-checkpoint"`; see `readSafetensorsHeader`.
 */
export async function openCheckpointFile(file: ModelFile): Promise<Checkpoint> {
  const { tensors } = await readSafetensorsHeader(file);
  return { location: file.name, tensors, files: [file] };
}

function wholeName(stem: string, variant: string | undefined): string {
  return variant === undefined ? `${stem}.safetensors` : `${stem}.${variant}.safetensors`;
}

/** Diffusers has written the variant in two places over time. */
function indexNames(stem: string, variant: string | undefined): readonly string[] {
  if (variant === undefined) return [`${stem}.safetensors.index.json`];
  return [`${stem}.safetensors.index.${variant}.json`, `${stem}.${variant}.safetensors.index.json`];
}

async function openShards(files: ModelFiles, index: ModelFile): Promise<Checkpoint> {
  const shardOf = await readWeightMap(index);
  const names = [...new Set(shardOf.values())];
  const shards = new Map(
    await Promise.all(names.map(async (name) => [name, await openShard(files, index, name)] as const)),
  );
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, shard] of shardOf) {
    const tensor = shards.get(shard)?.tensors.get(name);
    if (!tensor) throw invalid(`${index.name}: the tensor ${name} is not in ${shard}`);
    tensors.set(name, tensor);
  }
  return { location: index.name, tensors, files: [...shards.values()].flatMap((shard) => shard.files) };
}

async function readWeightMap(index: ModelFile): Promise<ReadonlyMap<string, string>> {
  const { weight_map: weightMap } = await readJson(index);
  if (!isRecord(weightMap)) throw invalid(`${index.name}: weight_map is missing`);
  return new Map(Object.entries(weightMap).map(([tensor, shard]) => [tensor, checkShardName(index, tensor, shard)]));
}

/** Shards lie beside their index: a path would lead elsewhere. */
function checkShardName(index: ModelFile, tensor: string, shard: unknown): string {
  if (typeof shard === "string" && /^[^/\\]+\.safetensors$/.test(shard)) return shard;
  throw invalid(
    `${index.name}: the file of tensor ${tensor} is ${JSON.stringify(shard)}, expected the name of a .safetensors file`,
  );
}

async function openShard(files: ModelFiles, index: ModelFile, name: string): Promise<Checkpoint> {
  const file = await files.find(name);
  if (file) return openCheckpointFile(file);
  throw new LatentKitError(
    "file-not-found",
    `${files.location}: ${name} not found, which ${index.name} lists; download it`,
  );
}

async function notFound(files: ModelFiles, stem: string, variant: string | undefined): Promise<LatentKitError> {
  const wanted = `${wholeName(stem, variant)} or ${indexNames(stem, variant)[0]}`;
  if (variant !== undefined && (await files.find(wholeName(stem, undefined)))) {
    return new LatentKitError(
      "file-not-found",
      `${files.location}: ${wanted} not found; there is ${stem}.safetensors, so leave variant out`,
    );
  }
  for (const name of new Set([`${stem}.bin`, ...OTHER_FORMATS])) {
    if (!(await files.find(name))) continue;
    const advice =
      "download the .safetensors files, or write them in Python with save_pretrained(folder, safe_serialization=True)";
    return new LatentKitError("unsupported-model", `${files.location}: found ${name}, need ${wanted}; ${advice}`);
  }
  return new LatentKitError("file-not-found", `${files.location}: ${wanted} not found; is the download complete?`);
}

function invalid(problem: string): LatentKitError {
  return new LatentKitError("invalid-checkpoint", `${problem}; download it again`);
}
