import {
  type DiffusionPipeline,
  loadImage,
  StableDiffusionLatentUpscalePipeline,
  StableDiffusionUpscalePipeline,
} from "latentkit";
import { imageToImage } from "./image-to-image.js";
import type { OpenTask } from "./open-task.js";
import type { Size } from "./size.js";
import type { Task } from "./task.js";

type Enlargement = Extract<Task, { kind: "upscale" }>;
type OpenEnlargement = Pick<OpenTask, "pipe" | "options">;

/** By a network made for it, or as a new picture of the enlarged one. */
export async function enlarging(
  task: Enlargement,
  model: DiffusionPipeline,
  size: Size | undefined,
): Promise<OpenEnlargement> {
  const { image, scale, strength = 0.3, noiseLevel } = task;
  if (noiseLevel !== undefined && !(model instanceof StableDiffusionUpscalePipeline))
    throw new TypeError("noiseLevel: expected nothing, this model is no ×4 upscaler");
  if (model instanceof StableDiffusionUpscalePipeline || model instanceof StableDiffusionLatentUpscalePipeline) {
    checkFixed(task, size, model instanceof StableDiffusionUpscalePipeline ? 4 : 2);
    return { pipe: model, options: { image, ...(noiseLevel !== undefined && { noiseLevel }) } };
  }
  const picture = await loadImage(image);
  return { pipe: imageToImage(model), options: { image: picture, strength, ...(size ?? enlarged(picture, scale)) } };
}

/** Networks made for it do it a number of times, and as a whole. */
function checkFixed({ scale = 0, strength }: Enlargement, size: Size | undefined, times: number): void {
  if (scale !== 0 && scale !== times)
    throw new RangeError(`scale: expected ${times}, what this model does, got ${scale}`);
  const isUnused = Object.entries({ strength, width: size }).find(([, value]) => value !== undefined);
  if (isUnused) throw new TypeError(`${isUnused[0]}: expected nothing, this model enlarges ${times} times`);
}

/** Sides are cut to multiples of 8, what autoencoders take. */
function enlarged({ width, height }: Size, scale = 2): Size {
  if (!(scale >= 1)) throw new RangeError(`scale: expected 1 or more, got ${scale}`);
  const cut = (side: number) => Math.max(Math.floor((side * scale) / 8) * 8, 8);
  return { width: cut(width), height: cut(height) };
}
