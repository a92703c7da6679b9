import { isRecord, LatentKitError, type ModelFiles } from "@latentkit/core";
import { readJson } from "@latentkit/hub";
import {
  AutoencoderKL,
  AutoencoderTiny,
  CLIPTextEncoder,
  type LatentCodec,
  type LoadOptions,
  type ModelSource,
  openBackend,
  openSource,
  UNet2DConditionModel,
} from "@latentkit/models";
import { schedulerFromConfig, stableDiffusionConfig } from "@latentkit/schedulers";
import { CLIPTokenizer } from "@latentkit/tokenizer";
import type { StableDiffusionComponents } from "./stable-diffusion-pipeline.js";

/** How to open a checkpoint; parts given here are used in place of the checkpoint's own. */
export interface PipelineLoadOptions extends Omit<LoadOptions, "subfolder">, Partial<StableDiffusionComponents> {}

/** A pipeline's parts, and those of them that were opened for it. */
export interface LoadedComponents {
  readonly components: StableDiffusionComponents;
  readonly owned: readonly { dispose(): Promise<void> }[];
}

type ComponentNames = Readonly<Record<string, string>>;
const PIPELINES = ["StableDiffusionPipeline", "LatentConsistencyModelPipeline"];

const autoencoders: Readonly<Record<string, (files: ModelFiles, options: LoadOptions) => Promise<LatentCodec>>> = {
  AutoencoderKL: AutoencoderKL.fromPretrained,
  AutoencoderTiny: AutoencoderTiny.fromPretrained,
};

/** Opens the parts that `model_index.json` lists. What was opened before an error is freed. */
export async function loadComponents(source: ModelSource, options: PipelineLoadOptions): Promise<LoadedComponents> {
  const files = await openSource(source);
  const names = await componentNames(files);
  const backend = await openBackend(options);
  const owned: { dispose(): Promise<void> }[] = [];
  const open = async <T extends { dispose(): Promise<void> }>(
    given: T | undefined,
    folder: string,
    load: (files: ModelFiles, options: LoadOptions) => Promise<T>,
  ) => {
    if (given) return given;
    options.signal?.throwIfAborted();
    const part = await load(files.at(folder), { ...options, backend });
    owned.push(part);
    return part;
  };
  try {
    const components: StableDiffusionComponents = {
      tokenizer: options.tokenizer ?? (await CLIPTokenizer.load(files.at("tokenizer"))),
      scheduler: options.scheduler ?? (await loadScheduler(files)),
      textEncoder: await open(options.textEncoder, "text_encoder", CLIPTextEncoder.fromPretrained),
      vae: await open(options.vae, "vae", loaderOf(names, "vae", autoencoders)),
      unet: await open(
        options.unet,
        "unet",
        loaderOf(names, "unet", { UNet2DConditionModel: UNet2DConditionModel.fromPretrained }),
      ),
    };
    return { components, owned };
  } catch (error) {
    await Promise.all(owned.map((part) => part.dispose()));
    throw error;
  }
}

/** The class of each part by `model_index.json`: `{ "unet": "UNet2DConditionModel", … }`. */
async function componentNames(files: ModelFiles): Promise<ComponentNames> {
  const index = await readJson(files, "model_index.json");
  if (!isRecord(index))
    throw new LatentKitError("invalid-checkpoint", `${files.location}/model_index.json: expected a JSON object`);
  const { _class_name: pipeline } = index;
  if (typeof pipeline !== "string" || !PIPELINES.includes(pipeline)) {
    throw new LatentKitError(
      "unsupported-model",
      `model_index.json: _class_name is ${JSON.stringify(pipeline)}; supported: ${PIPELINES.join(", ")}`,
    );
  }
  const named = Object.entries(index).flatMap(([name, value]) =>
    Array.isArray(value) && typeof value[1] === "string" ? [[name, value[1]]] : [],
  );
  return Object.fromEntries(named);
}

function loaderOf<T>(names: ComponentNames, part: string, loaders: Readonly<Record<string, T>>): T {
  const name = names[part] ?? "";
  const loader = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (!loader)
    throw new LatentKitError(
      "unsupported-model",
      `model_index.json: ${part} is ${name || "missing"}; supported: ${Object.keys(loaders).join(", ")}`,
    );
  return loader;
}

/** The checkpoint's sampler, with the two settings that files of 2022 have wrong. */
async function loadScheduler(files: ModelFiles): Promise<StableDiffusionComponents["scheduler"]> {
  const config = await readJson(files, "scheduler/scheduler_config.json");
  if (!isRecord(config))
    throw new LatentKitError(
      "invalid-checkpoint",
      `${files.location}/scheduler/scheduler_config.json: expected a JSON object`,
    );
  return schedulerFromConfig(stableDiffusionConfig(config));
}
