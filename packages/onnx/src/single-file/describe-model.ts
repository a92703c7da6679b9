import type { SafetensorsHeader } from "../safetensors.js";
import { type Family, familyOf } from "./family.js";
import type { FoundPart } from "./find-parts.js";
import type { PartConfigs } from "./given-configs.js";
import { modelIndex } from "./model-index.js";
import type { ModelPart } from "./part-layouts.js";
import { predictionOf } from "./prediction.js";
import { lowResSchedulerConfig, schedulerConfig } from "./scheduler-config.js";
import { TensorShapes } from "./tensor-shapes.js";
import { textConfig } from "./text-config.js";
import { type Config, controlnetConfig, unetConfig } from "./unet-config.js";
import { vaeConfig } from "./vae-config.js";

type Parts = ReadonlyMap<ModelPart, FoundPart>;

/** The configuration files that Diffusers would have written, and what in them is assumed. */
export interface Description {
  /** Undefined for an autoencoder or a text encoder alone. */
  readonly family: Family | undefined;
  /** By folder. */
  readonly configs: ReadonlyMap<string, Config>;
  /** Undefined for a file without a UNet. */
  readonly index: Config | undefined;
  /** By folder: what nothing in the file says, and how to say otherwise. */
  readonly assumptions: ReadonlyMap<string, string>;
}

const ASSUMED_VELOCITY =
  "taken for a 768-pixel model of Stable Diffusion 2, which predicts velocity; for a 512-pixel one or SD-Turbo pass " +
  'config: { scheduler: { prediction_type: "epsilon" } }';
const ASSUMED_SCALE =
  "taken for the autoencoder of Stable Diffusion 1 or 2; for that of SDXL pass config: { vae: { scaling_factor: 0.13025 } }";

/** Reads what shapes tell, and takes the rest from the published models of the family. `given` wins. */
export async function describeModel(header: SafetensorsHeader, parts: Parts, given: PartConfigs): Promise<Description> {
  const family = familyOf(parts);
  const others = [...parts].flatMap(([part, found]): [string, Config][] =>
    part === "unet" ? [] : [[part, { ...detected(part, found, family ?? "sd1"), ...given[part] }]],
  );
  if (family && parts.has("unet")) return describeWhole(header, parts, given, family, others);
  const isAssumed = family === undefined && parts.has("vae") && given.vae?.scaling_factor === undefined;
  const assumptions = new Map(isAssumed ? [["vae", ASSUMED_SCALE]] : []);
  return { family, configs: new Map(others), index: undefined, assumptions };
}

/** A model with a UNet has a pipeline and a sampler. */
async function describeWhole(
  header: SafetensorsHeader,
  parts: Parts,
  given: PartConfigs,
  family: Family,
  others: readonly (readonly [string, Config])[],
): Promise<Description> {
  const shapes = new TensorShapes(parts.get("unet")!.checkpoint);
  const prediction = await predictionOf(header, family, shapes.axis("conv_in.weight", 1));
  const told = given.scheduler?.prediction_type;
  const unet = { ...unetConfig(shapes, family, String(told ?? prediction.type)), ...given.unet };
  const scheduler = { ...schedulerConfig(family, unet, prediction), ...given.scheduler };
  const configs = new Map([...others, ["unet", unet] as const, ["scheduler", scheduler] as const]);
  if (family === "x4-upscaler") configs.set("low_res_scheduler", lowResSchedulerConfig);
  const isAssumed = prediction.isAssumed && told === undefined;
  const assumptions = new Map(isAssumed ? [["scheduler", ASSUMED_VELOCITY]] : []);
  return { family, configs, index: modelIndex(family, unet, new Set(parts.keys()), scheduler), assumptions };
}

function detected(part: Exclude<ModelPart, "unet">, { checkpoint, layout }: FoundPart, family: Family): Config {
  const shapes = new TensorShapes(checkpoint);
  switch (part) {
    case "vae":
      return vaeConfig(shapes, family);
    case "controlnet":
      return controlnetConfig(shapes, family);
    case "text_encoder":
    case "text_encoder_2":
      return textConfig(shapes, layout);
  }
}
