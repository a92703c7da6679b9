import { LatentKitError } from "@latentkit/core";
import { neededWeights, otherFormats } from "./needed-weights.js";
import { weightsFile } from "./weights-file.js";

/** Which part of a model is wanted. */
export interface NeededFilesOptions {
  /** `"fp16"` takes `model.fp16.safetensors` where there is one. */
  readonly variant?: string | undefined;
  /** The folders that `model_index.json` lists; every folder with a configuration or a graph when left out. */
  readonly components?: readonly string[] | undefined;
  /** The one folder that is wanted. */
  readonly subfolder?: string | undefined;
  /** Folders that are not wanted. */
  readonly without?: readonly string[] | undefined;
  /** Whether no weights are wanted. */
  readonly settingsOnly?: boolean | undefined;
  /** Web address or path of the repository, for messages. */
  readonly place?: string;
}

/** Parts of Stable Diffusion that no pipeline of this library runs. */
const UNUSED = ["safety_checker"];

/** Parts that are taken along where they are, for Diffusers' sake. */
const OPTIONAL = ["feature_extractor"];

/** Where exporters to ONNX put the halves of an autoencoder. */
const VAE_HALVES = ["vae_encoder", "vae_decoder"];

/**
 * The files that running a model takes, out of all that its repository holds. Of each component: its configuration and
 * one set of weights. A component is a folder, or the repository itself. A repository of neither is the one
 * `.safetensors` file at its top.
 *
 * @throws LatentKitError `"file-not-found"` for a missing variant, folder or shard, `"unsupported-model"` when there is
 * nothing that can be opened, or more than one model.
 */
export function neededFiles(paths: readonly string[], options: NeededFilesOptions = {}): readonly string[] {
  const { variant, without = [], subfolder, settingsOnly = false, place = "the model" } = options;
  const folders = componentFolders(paths, options);
  if (folders.length === 0) return [soleCheckpoint(paths, place)];
  const parts = folders
    .filter((folder) => !without.includes(folder))
    .map((folder) => ({ folder, files: paths.filter((path) => folderOf(path) === folder) }));
  const files = parts.flatMap((part) => part.files);
  if (!settingsOnly) checkVariant(files, variant, place);
  const weights = settingsOnly
    ? []
    : parts.flatMap((part) => neededWeights(part.files, variant, inside(place, part.folder)));
  const index = subfolder === undefined ? paths.filter((path) => path === "model_index.json") : [];
  return [...new Set([...index, ...files.filter(isSettings), ...weights])];
}

function componentFolders(paths: readonly string[], options: NeededFilesOptions): readonly string[] {
  const { components, subfolder, place = "the model" } = options;
  const folders = new Set(paths.map(folderOf));
  if (subfolder !== undefined) return [existing(subfolder, folders, place)];
  const isIndexed = paths.includes("model_index.json");
  if (isIndexed && components) {
    return components.filter(isUsed).flatMap((name) => foldersOf(name, paths, folders, place));
  }
  const isNetwork = paths.includes("config.json") && paths.some((path) => folderOf(path) === "" && isWeights(path));
  if (isNetwork && !isIndexed) return [""];
  return [...folders].filter((folder) => /^[^/]+$/.test(folder) && isUsed(folder) && isComponent(folder, paths));
}

/** A component's folder, or, where an autoencoder was exported to ONNX, those of its halves. */
function foldersOf(name: string, paths: readonly string[], folders: ReadonlySet<string>, place: string): string[] {
  const halves = VAE_HALVES.filter((half) => folders.has(half));
  const isWhole = paths.some((path) => folderOf(path) === name && isWeights(path));
  if (name === "vae" && halves.length > 0 && !isWhole) return halves;
  return OPTIONAL.includes(name) && !folders.has(name) ? [] : [existing(name, folders, place)];
}

function existing(folder: string, folders: ReadonlySet<string>, place: string): string {
  if (folders.has(folder)) return folder;
  throw new LatentKitError("file-not-found", `${place} has no files in ${folder}; the model is incomplete`);
}

function checkVariant(files: readonly string[], variant: string | undefined, place: string): void {
  const found = files.flatMap((path) => weightsFile(path) ?? []);
  if (variant === undefined || found.length === 0 || found.some((file) => file.variant === variant)) return;
  const others = [...new Set(found.map((file) => file.variant ?? "none"))].join(", ");
  const message = `${place} has no weights of variant ${JSON.stringify(variant)}; there are: ${others}`;
  throw new LatentKitError("file-not-found", message);
}

/** The `.safetensors` file of a repository without configurations. */
function soleCheckpoint(paths: readonly string[], place: string): string {
  const files = paths.filter((path) => path.endsWith(".safetensors") && folderOf(path) === "");
  const [file] = files;
  if (file !== undefined && files.length === 1) return file;
  if (file !== undefined) {
    const message = `${place} holds several models, ${files.join(", ")}; name one: ${place}/blob/main/${file}`;
    throw new LatentKitError("unsupported-model", message);
  }
  const others = paths.filter((path) => /\.(ckpt|pt|pth|bin|gguf|safetensors)$/.test(path));
  const reason = others.length === 0 ? "holds no model" : otherFormats(others);
  throw new LatentKitError("unsupported-model", `${place}: ${reason}`);
}

function isComponent(folder: string, paths: readonly string[]): boolean {
  const tells = (name: string) => /^(config|\w+_config|vocab|tokenizer)\.json$/.test(name);
  return paths.some((path) => folderOf(path) === folder && (tells(path.slice(folder.length + 1)) || isWeights(path)));
}

/** Configurations and vocabularies. The index of shards is taken with them, or not at all. */
function isSettings(path: string): boolean {
  return /\.(json|txt|model)$/.test(path) && !/\.index(\.[\w-]+)?\.json$/.test(path);
}

const isUsed = (component: string): boolean => !UNUSED.includes(component);
const isWeights = (path: string): boolean => weightsFile(path) !== undefined;
const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0));
const inside = (place: string, folder: string): string => (folder === "" ? place : `${place}: ${folder}`);
