import type { ModelFiles } from "@latentkit/core";
import { tryReadJson } from "@latentkit/hub";
import { readModelIndex } from "@latentkit/models";
import { type Checkpoint, hasWeights, openCheckpoint, singleFileModel } from "@latentkit/onnx";
import { LatentKitError } from "latentkit";
import { type MemoryEstimate, memoryEstimate } from "./memory-estimate.js";
import { modelFamily } from "./model-family.js";

/** What a model is. */
export interface ModelDescription {
  /** What was asked for; left out for the embedded model. */
  readonly source?: string;
  readonly location: string;
  /** Whether it is on this machine. */
  readonly isLocal: boolean;
  /** The pipeline that it is made for, such as `"StableDiffusionPipeline"`. */
  readonly pipeline?: string;
  /** Such as `"Stable Diffusion XL"`. */
  readonly family: string;
  readonly components: readonly ComponentDescription[];
  /** Bytes of all weights. */
  readonly size: number;
  /** Numbers in all weights; of ONNX exports they are not counted. */
  readonly parameters: number;
  /** Element types of the weights, as safetensors names them, those with the most numbers first. */
  readonly precision: readonly string[];
  /** Left out where there is no UNet in safetensors. */
  readonly memory?: MemoryEstimate;
}

/** One part of a model. */
export interface ComponentDescription {
  readonly name: string;
  /** Such as `"UNet2DConditionModel"`. */
  readonly className?: string;
  /** `"none"` for parts without weights. */
  readonly format: "safetensors" | "onnx" | "none";
  /** Bytes of its weights. */
  readonly size: number;
  readonly parameters: number;
  readonly precision: readonly string[];
}

/** A network's folder, opened as far as its headers. */
interface Part {
  readonly description: ComponentDescription;
  readonly config: Readonly<Record<string, unknown>>;
}

const STEMS = ["diffusion_pytorch_model", "model"];
const GRAPH_FILES = ["model.onnx", "model.onnx_data", "model.onnx.data", "weights.pb"];

/**
 * Looks into a model: its headers and configurations are read, its weights are not.
 *
 * @throws LatentKitError when it is none, or is broken.
 */
export async function describeModel(
  opened: ModelFiles,
  { source, variant }: { readonly source?: string | undefined; readonly variant?: string | undefined },
): Promise<ModelDescription> {
  const files = opened.singleFile ? await singleFileModel(opened.singleFile) : opened;
  const { location } = opened;
  const { pipeline, classes } = await classesOf(files);
  const parts = await Promise.all([...classes].map(([name, className]) => readPart(files, name, className, variant)));
  const components = parts.map(({ description }) => description);
  const configs = new Map(parts.map(({ description, config }) => [description.name, config]));
  const memory = memoryEstimate(components, configs);
  return {
    ...(source !== undefined && { source }),
    location,
    isLocal: await isOnDisk(opened),
    ...(pipeline !== undefined && { pipeline }),
    family: modelFamily(pipeline, configs),
    components,
    size: sum(components.map(({ size }) => size)),
    parameters: sum(components.map(({ parameters }) => parameters)),
    precision: [...new Set(components.flatMap(({ precision }) => precision))],
    ...(memory && { memory }),
  };
}

async function isOnDisk(files: ModelFiles): Promise<boolean> {
  const names = ["model_index.json", "config.json", "unet/config.json", "unet/model.onnx"];
  const found = files.singleFile ? [files.singleFile] : await Promise.all(names.map((name) => files.find(name)));
  return found.some((file) => file?.path !== undefined);
}

/** The pipeline, and the class of each part; a folder of one network is the part of no name. */
async function classesOf(
  files: ModelFiles,
): Promise<{ readonly pipeline?: string; readonly classes: ReadonlyMap<string, string | undefined> }> {
  const single = await tryReadJson(files, "config.json");
  if (single && !(await files.find("model_index.json"))) {
    return { classes: new Map([["", textOf(single._class_name) ?? textOf(listOf(single.architectures)[0])]]) };
  }
  const index = await readModelIndex(files);
  const listed = Object.entries(index).flatMap(([name, value]) => {
    const className = textOf(listOf(value)[1]);
    return className === undefined ? [] : [[name, className] as const];
  });
  const pipeline = textOf(index._class_name);
  return { ...(pipeline !== undefined && { pipeline }), classes: new Map(listed) };
}

async function readPart(root: ModelFiles, name: string, className = "", variant?: string): Promise<Part> {
  const files = name === "" ? root : root.at(name);
  const config = (await tryReadJson(files, "config.json")) ?? {};
  const checkpoint = await findCheckpoint(files, variant);
  const weights = checkpoint ? checkpointFacts(checkpoint) : await exportFacts(root, name, files);
  return { config, description: { name, ...(className !== "" && { className }), ...weights } };
}

async function findCheckpoint(files: ModelFiles, variant: string | undefined): Promise<Checkpoint | undefined> {
  for (const stem of STEMS) {
    if (!(await hasWeights(files, stem, variant))) continue;
    return openCheckpoint(files, stem, variant).catch((error: unknown) => {
      // a part without the variant gives its plain weights
      if (variant === undefined || !LatentKitError.isInstance(error) || error.code !== "file-not-found") throw error;
      return openCheckpoint(files, stem);
    });
  }
  return undefined;
}

type Weights = Omit<ComponentDescription, "name" | "className">;

function checkpointFacts({ tensors }: Checkpoint): Weights {
  const numbers = new Map<string, number>();
  for (const { dtype, shape } of tensors.values()) {
    numbers.set(dtype, (numbers.get(dtype) ?? 0) + shape.reduce((a, b) => a * b, 1));
  }
  return {
    format: "safetensors",
    size: sum([...tensors.values()].map(({ length }) => length)),
    parameters: sum([...numbers.values()]),
    precision: [...numbers].sort(([, a], [, b]) => b - a).map(([dtype]) => dtype),
  };
}

/** An ONNX export; that of an autoencoder is in two folders. */
async function exportFacts(root: ModelFiles, name: string, files: ModelFiles): Promise<Weights> {
  const folders = name === "vae" ? [files, root.at("vae_encoder"), root.at("vae_decoder")] : [files];
  const found = await Promise.all(folders.flatMap((folder) => GRAPH_FILES.map((file) => folder.find(file))));
  const size = sum(found.map((file) => file?.size ?? 0));
  return { format: size > 0 ? "onnx" : "none", size, parameters: 0, precision: [] };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
