import { isRecord, type ModelFiles, readJson } from "@latentkit/core";
import type { ModelPart } from "./part-layouts.js";
import type { Config } from "./unet-config.js";

/** Configurations by part, in the words of Diffusers' files: `{ vae: { scaling_factor: 0.13025 } }`. */
export type PartConfigs = { readonly [Key in ModelPart | "scheduler"]?: Config };

const TEXT_ENCODERS = ["CLIPTextModel", "CLIPTextModelWithProjection"];

/** The classes that a part's own repository may name in its `config.json`. */
const CLASSES: Readonly<Record<keyof PartConfigs, readonly string[]>> = {
  unet: ["UNet2DConditionModel"],
  vae: ["AutoencoderKL"],
  controlnet: ["ControlNetModel"],
  text_encoder: TEXT_ENCODERS,
  text_encoder_2: TEXT_ENCODERS,
  scheduler: [],
};
const NAMES = Object.keys(CLASSES);

/** What the caller knows better: settings as they are given, or those of a model's folder. */
export async function givenConfigs(config: PartConfigs | ModelFiles = {}): Promise<PartConfigs> {
  if (!isFolder(config)) return checked(config);
  const found = NAMES.map(async (part) => [part, await configOf(config, part)]);
  return Object.fromEntries((await Promise.all(found)).filter(([, json]) => json !== undefined));
}

/** Whether these are files rather than settings. */
export function isFolder(config: PartConfigs | ModelFiles): config is ModelFiles {
  return "find" in config && typeof config.find === "function";
}

async function configOf(files: ModelFiles, part: string): Promise<Config | undefined> {
  const name = part === "scheduler" ? "scheduler_config.json" : "config.json";
  const own = await files.find(`${part}/${name}`);
  if (own) return readJson(own);
  const whole = await files.find("config.json");
  const json = whole && (await readJson(whole));
  const classes = Object.entries(CLASSES).find(([key]) => key === part)?.[1] ?? [];
  return json && classesOf(json).some((name) => classes.includes(name)) ? json : undefined;
}

/** Diffusers names one class, transformers a list. */
function classesOf({ _class_name: name, architectures = [] }: Config): readonly string[] {
  return [name, ...(Array.isArray(architectures) ? architectures : [])].filter((each) => typeof each === "string");
}

function checked(config: PartConfigs): PartConfigs {
  for (const [part, value] of Object.entries(config)) {
    if (!NAMES.includes(part)) throw new TypeError(`config: expected the keys ${NAMES.join(", ")}, got ${part}`);
    if (!isRecord(value)) throw new TypeError(`config.${part}: expected an object, got ${JSON.stringify(value)}`);
  }
  return config;
}
