import { LatentKitError, type ModelFiles } from "@latentkit/core";
import { readJson } from "@latentkit/hub";
import {
  AutoencoderKL,
  type AutoencoderTiny,
  CLIPTextEncoder,
  KUNetModel,
  type LatentCodec,
  type LoadOptions,
  UNet2DConditionModel,
  UNet2DModel,
} from "@latentkit/models";
import { openScheduler, type Scheduler, type SchedulerConfig } from "@latentkit/schedulers";
import { CLIPTokenizer } from "@latentkit/tokenizer";
import type { ComponentSpec, PipelineFiles } from "./load-components.js";
import { partOptions } from "./part-options.js";

type Open<Part> = (files: ModelFiles, options: LoadOptions) => Promise<Part>;

/** Classes that stand for "an ONNX file" in the index of an exported checkpoint, whatever the network. */
const ONNX_CLASSES = ["OnnxRuntimeModel", "ORTModel"];

/** The conditional UNet. */
export const unet: ComponentSpec<UNet2DConditionModel> = /* @__PURE__ */ network(["unet"], {
  UNet2DConditionModel: UNet2DConditionModel.fromPretrained,
  ORTModelUnet: UNet2DConditionModel.fromPretrained,
  ORTUnet: UNet2DConditionModel.fromPretrained,
});

// functions of their own: bundlers keep a class whose property is read

/** The UNet of the ×2 latent upscaler, of the same class with blocks of its own. */
export const kUNet: ComponentSpec<KUNetModel> = /* @__PURE__ */ network(["unet"], {
  UNet2DConditionModel: (files, options) => KUNetModel.fromPretrained(files, options),
});

/** The UNet without text. */
export const unet2d: ComponentSpec<UNet2DModel> = /* @__PURE__ */ network(["unet"], {
  UNet2DModel: (files, options) => UNet2DModel.fromPretrained(files, options),
});

/** The autoencoder; exports have it in two halves. */
export const vae: ComponentSpec<LatentCodec> = /* @__PURE__ */ tiledWhereAsked(
  /* @__PURE__ */ network<LatentCodec>(["vae", "vae_decoder"], {
    AutoencoderKL: AutoencoderKL.fromPretrained,
    AutoencoderTiny: openTiny,
    ORTModelVaeDecoder: AutoencoderKL.fromPretrained,
    ORTVae: AutoencoderKL.fromPretrained,
  }),
);

async function openTiny(files: ModelFiles, options: LoadOptions): Promise<AutoencoderTiny> {
  const { AutoencoderTiny } = await import("./optional-decoding.js");
  return AutoencoderTiny.fromPretrained(files, options);
}

/** Where a checkpoint has its tiny autoencoder; Diffusers does not know it, so that its index need not list it. */
const TINY = "vae_tiny";

/** The tiny autoencoder that previews are drawn with, where the checkpoint has one beside its own. */
export const previewDecoder: ComponentSpec<AutoencoderTiny | undefined> = {
  isOptional: true,
  find(checkpoint) {
    const { files } = checkpoint;
    if (classOf(checkpoint, TINY) !== undefined) return network([TINY], { AutoencoderTiny: openTiny }).find(checkpoint);
    return async () =>
      (await files.find(`${TINY}/config.json`)) ? openTiny(files, await partOptions(checkpoint, TINY)) : undefined;
  },
};

/** A text tower, in a folder of that name. */
export function textEncoder(folder: string): ComponentSpec<CLIPTextEncoder> {
  return network([folder], {
    CLIPTextModel: CLIPTextEncoder.fromPretrained,
    CLIPTextModelWithProjection: CLIPTextEncoder.fromPretrained,
    ORTModelTextEncoder: CLIPTextEncoder.fromPretrained,
    ORTTextEncoder: CLIPTextEncoder.fromPretrained,
  });
}

/** A vocabulary, in a folder of that name. */
export function tokenizer(folder: string): ComponentSpec<CLIPTokenizer> {
  return {
    find:
      ({ files }) =>
      () =>
        CLIPTokenizer.fromPretrained(files.at(folder)),
  };
}

/** The checkpoint's sampler, which `open` makes of its configuration. */
export function scheduler(
  open: (config: SchedulerConfig) => Promise<Scheduler> = openScheduler,
  folder = "scheduler",
): ComponentSpec<Scheduler> {
  return {
    find:
      ({ files }) =>
      async () =>
        open(await readJson(files, `${folder}/scheduler_config.json`)),
  };
}

/** A part that some checkpoints of the kind do not have: their index says null, or nothing. */
export function optional<Part>(folder: string, spec: ComponentSpec<Part>): ComponentSpec<Part | undefined> {
  return {
    isOptional: true,
    find: (checkpoint) => (classOf(checkpoint, folder) === undefined ? async () => undefined : spec.find(checkpoint)),
  };
}

/** Yes or no in the index. */
export const setting = (key: string, fallback: boolean): ComponentSpec<boolean> =>
  indexValue(key, fallback, (value) => typeof value === "boolean", "true or false");

/** A number in the index. */
export const numberSetting = (key: string, fallback: number): ComponentSpec<number> =>
  indexValue(key, fallback, (value) => typeof value === "number", "a number");

function indexValue<Value>(
  key: string,
  fallback: Value,
  isRight: (value: unknown) => value is Value,
  expected: string,
): ComponentSpec<Value> {
  const find = ({ index }: PipelineFiles) => {
    const value = index[key] ?? fallback;
    if (isRight(value)) return async () => value;
    const message = `model_index.json: ${key} is ${JSON.stringify(value)}; expected ${expected}`;
    throw new LatentKitError("invalid-checkpoint", message);
  };
  return { find, isOptional: true };
}

/** A network in the first of these folders that the index lists, opened by the class that it names there. */
function network<Part>(
  folders: readonly [string, ...string[]],
  classes: Readonly<Record<string, Open<Part>>>,
): ComponentSpec<Part> {
  const [main] = folders;
  const find = (checkpoint: PipelineFiles) => {
    const folder = folders.find((name) => classOf(checkpoint, name) !== undefined) ?? main;
    const open = opener(classes, folder, classOf(checkpoint, folder));
    return async () => open(checkpoint.files, await partOptions(checkpoint, main, folders));
  };
  return { find };
}

/** An autoencoder that works tile by tile where the caller wants it so. */
function tiledWhereAsked(spec: ComponentSpec<LatentCodec>): ComponentSpec<LatentCodec> {
  const find = (checkpoint: PipelineFiles) => {
    const open = spec.find(checkpoint);
    const { vaeTiling = false } = checkpoint.options;
    if (vaeTiling === false) return open;
    return async () => {
      const { tiled } = await import("./optional-decoding.js");
      return tiled(await open(), vaeTiling === true ? {} : vaeTiling);
    };
  };
  return { find };
}

function opener<Part>(
  classes: Readonly<Record<string, Open<Part>>>,
  folder: string,
  name: string | undefined,
): Open<Part> {
  const [first] = Object.values(classes);
  if (name !== undefined && Object.hasOwn(classes, name)) return classes[name]!;
  if (name !== undefined && ONNX_CLASSES.includes(name) && first) return first;
  const known = Object.keys(classes).filter((known) => !known.startsWith("ORT"));
  const message = `model_index.json: ${folder} is ${name ?? "missing"}; supported: ${known.join(", ")}`;
  throw new LatentKitError("unsupported-model", message);
}

/** The class of a part by the index: `{ "unet": ["diffusers", "UNet2DConditionModel"], … }`. */
function classOf({ index }: PipelineFiles, part: string): string | undefined {
  const entry = index[part];
  return Array.isArray(entry) && typeof entry[1] === "string" ? entry[1] : undefined;
}
