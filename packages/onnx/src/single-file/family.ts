import type { FoundPart } from "./find-parts.js";
import type { ModelPart } from "./part-layouts.js";
import { TensorShapes } from "./tensor-shapes.js";

/** The published models whose structure a file can have. */
export type Family = "sd1" | "sd2" | "sdxl" | "sdxl-refiner" | "x4-upscaler";

/** Their names, for messages. */
export const familyTitles: Readonly<Record<Family, string>> = {
  sd1: "Stable Diffusion 1",
  sd2: "Stable Diffusion 2",
  sdxl: "Stable Diffusion XL",
  "sdxl-refiner": "the refiner of Stable Diffusion XL",
  "x4-upscaler": "the ×4 upscaler",
};

/** Width of the text that the refiner looks at: its one text encoder's. */
const REFINER_CONTEXT = 1280;

/** By the text encoders where there are any, else by the UNet's structure; undefined for an autoencoder or a text encoder alone. */
export function familyOf(parts: ReadonlyMap<ModelPart, FoundPart>): Family | undefined {
  const network = parts.get("unet") ?? parts.get("controlnet");
  const shapes = network && new TensorShapes(network.checkpoint);
  if (shapes?.has("class_embedding.weight")) return "x4-upscaler";
  const told = [...parts.values()].find(({ layout }) => layout.family !== undefined)?.layout.family;
  return told ?? (shapes && byStructure(shapes));
}

function byStructure(shapes: TensorShapes): Family {
  if (shapes.has("add_embedding")) return contextWidth(shapes) === REFINER_CONTEXT ? "sdxl-refiner" : "sdxl";
  const projection = shapes.find(".proj_in.weight");
  return projection !== undefined && shapes.rank(projection) === 2 ? "sd2" : "sd1";
}

/** Width of the text that a UNet or ControlNet looks at; undefined where none looks at any. */
export function contextWidth(shapes: TensorShapes): number | undefined {
  const keys = shapes.find(".attn2.to_k.weight");
  return keys === undefined ? undefined : shapes.axis(keys, 1);
}
