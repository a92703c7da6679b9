import { LatentKitError, type ModelFiles } from "@latentkit/core";
import type { CheckpointFiles } from "../checkpoint.js";
import type { Description } from "./describe-model.js";
import { familyTitles } from "./family.js";
import type { FoundPart } from "./find-parts.js";
import type { ModelPart } from "./part-layouts.js";
import type { Config } from "./unet-config.js";
import { jsonFolder, refusingFolder } from "./virtual-folder.js";

/** What opens each part. */
const RUNNERS: Readonly<Record<ModelPart, string>> = {
  unet: "UNet2DConditionModel",
  vae: "AutoencoderKL",
  text_encoder: "CLIPTextEncoder",
  text_encoder_2: "CLIPTextEncoder",
  controlnet: "ControlNetModel",
};

type Parts = ReadonlyMap<ModelPart, FoundPart>;

/** The folder of each network: its configuration, and its weights under Diffusers' names. */
export function partFolders(location: string, parts: Parts, { configs }: Description): [string, ModelFiles][] {
  return [...parts].map(([part, { checkpoint }]) => {
    const inside = `${location}/${part}`;
    const files: CheckpointFiles = { ...configFolder(inside, configs.get(part) ?? {}), checkpoint };
    return [part, files];
  });
}

/** Folders that a model could have and this file has not: they say so. */
export function absentFolders(location: string, parts: Parts, { family }: Description): [string, ModelFiles][] {
  const kind = family === undefined ? "" : ` (${familyTitles[family]})`;
  const names = Object.keys(RUNNERS).filter((name) => ![...parts.keys()].some((part) => part === name));
  return names.map((name) => {
    const problem = `${location}${kind} holds no ${name}, only ${list(parts)}; take it from another file`;
    return [name, refusingFolder(`${location}/${name}`, new LatentKitError("unsupported-model", problem))];
  });
}

/** The root with `model_index.json`, or with the reason why there is none. Networks are not at the root. */
export function rootFolder(location: string, parts: Parts, { index }: Description): ModelFiles {
  const runners = [...new Set([...parts.keys()].map((part) => RUNNERS[part]))].join(", ");
  const refuse = (problem: string) => {
    const message = `${location} ${problem} ${list(parts)}; open it with ${runners}.fromPretrained`;
    return new LatentKitError("unsupported-model", message);
  };
  const noIndex = refuse("is no whole model, it holds only");
  const noNetwork = refuse("holds no such network, but");
  const files = jsonFolder(location, index ? { "model_index.json": index } : {});
  return {
    ...files,
    async find(path) {
      if (path === "config.json") throw noNetwork;
      if (path === "model_index.json" && !index) throw noIndex;
      return files.find(path);
    },
  };
}

function configFolder(location: string, config: Config): ModelFiles {
  const untold = Object.keys(config).filter((key) => config[key] === undefined);
  if (untold.length === 0) return jsonFolder(location, { "config.json": config });
  const example = `config: { ${location.split("/").at(-1)}: { ${untold.map((key) => `${key}: …`).join(", ")} } }`;
  const problem = `its sizes are those of no published model and do not tell ${untold.join(", ")}; pass ${example}`;
  return refusingFolder(location, new LatentKitError("unsupported-model", `${location}: ${problem}`));
}

const list = (parts: Parts): string => [...parts.keys()].join(", ");
