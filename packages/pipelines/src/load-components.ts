import { LatentKitError, type ModelFiles } from "@latentkit/core";
import { type ModelSource, openSource, readJson } from "@latentkit/hub";
import {
  AutoencoderKL,
  AutoencoderTiny,
  CLIPTextEncoder,
  type LatentCodec,
  type LoadOptions,
  openBackend,
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

type Load<T> = (files: ModelFiles, options: LoadOptions) => Promise<T>;

const unets = { UNet2DConditionModel: UNet2DConditionModel.fromPretrained };
const autoencoders: Readonly<Record<string, Load<LatentCodec>>> = {
  AutoencoderKL: AutoencoderKL.fromPretrained,
  AutoencoderTiny: AutoencoderTiny.fromPretrained,
};

/** Opens the parts that `model_index.json` lists. What was opened before an error is freed. */
export async function loadComponents(source: ModelSource, options: PipelineLoadOptions): Promise<LoadedComponents> {
  const files = await openSource(source);
  const names = await componentNames(files);
  const backend = await openBackend(options);
  const owned: { dispose(): Promise<void> }[] = [];
  const open = async <T extends { dispose(): Promise<void> }>(folder: string, load: Load<T>): Promise<T> => {
    options.signal?.throwIfAborted();
    const part = await load(files.at(folder), { ...options, backend });
    owned.push(part);
    return part;
  };
  try {
    const components: StableDiffusionComponents = {
      tokenizer: options.tokenizer ?? (await CLIPTokenizer.fromPretrained(files, { subfolder: "tokenizer" })),
      scheduler: options.scheduler ?? (await loadScheduler(files)),
      textEncoder: options.textEncoder ?? (await open("text_encoder", CLIPTextEncoder.fromPretrained)),
      vae: options.vae ?? (await open("vae", loaderOf(names, "vae", autoencoders))),
      unet: options.unet ?? (await open("unet", loaderOf(names, "unet", unets))),
    };
    checkFit(components, files.location);
    return { components, owned };
  } catch (error) {
    await Promise.all(owned.map((part) => part.dispose()));
    throw error;
  }
}

/** The class of each part by `model_index.json`: `{ "unet": "UNet2DConditionModel", … }`. */
async function componentNames(files: ModelFiles): Promise<ComponentNames> {
  const index = await readJson(files, "model_index.json");
  const { _class_name: pipeline } = index;
  if (typeof pipeline !== "string" || !PIPELINES.includes(pipeline)) {
    throw new LatentKitError(
      "unsupported-model",
      `model_index.json: _class_name is ${JSON.stringify(pipeline) ?? "missing"}; supported: ${PIPELINES.join(", ")}`,
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

/** Parts of different models open well and fail, or draw noise, at the first step. */
function checkFit({ textEncoder, unet, vae }: StableDiffusionComponents, location: string): void {
  const pairs = [
    ["channels of latents", "unet", unet.config.inChannels, "vae", vae.latentChannels],
    ["features per token", "unet", unet.config.crossAttentionDim, "text_encoder", textEncoder.config.hiddenSize],
  ] as const;
  for (const [what, part, wanted, other, found] of pairs) {
    if (wanted === found) continue;
    const problem = `${what}: the ${part} takes ${wanted}, the ${other} gives ${found}`;
    throw new LatentKitError("unsupported-model", `${location}: ${problem}; take both from one model`);
  }
}

/** The checkpoint's sampler, with the two settings that files of 2022 have wrong. */
async function loadScheduler(files: ModelFiles): Promise<StableDiffusionComponents["scheduler"]> {
  return schedulerFromConfig(stableDiffusionConfig(await readJson(files, "scheduler/scheduler_config.json")));
}
