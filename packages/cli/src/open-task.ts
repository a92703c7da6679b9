import {
  DiffusionPipeline,
  type GenerateResult,
  type Img2ImgOptions,
  type InpaintOptions,
  LatentConsistencyModelImg2ImgPipeline,
  LatentConsistencyModelPipeline,
  type LoadOptions,
  loadImage,
  type ModelSource,
  type Scheduler,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionInstructPix2PixPipeline,
  StableDiffusionPipeline,
  StableDiffusionUpscalePipeline,
  StableDiffusionXLImg2ImgPipeline,
  StableDiffusionXLInpaintPipeline,
  StableDiffusionXLPipeline,
  type UpscaleOptions,
} from "latentkit";
import type { Size } from "./size.js";
import type { Task } from "./task.js";

/** What a pipeline is told of its task. */
export type TaskOptions = Img2ImgOptions & InpaintOptions & UpscaleOptions;

/** A pipeline that does a task. */
interface TaskPipeline {
  scheduler: Scheduler;
  generate(options: TaskOptions): Promise<GenerateResult>;
}

/** A task ready to be done. */
export interface OpenTask extends AsyncDisposable {
  readonly pipe: TaskPipeline;
  /** The scale that suits it. */
  readonly guidance: number;
  readonly options: TaskOptions;
}

/** Opens the pipeline that does a task with a model. */
export async function openTask(
  task: Task,
  source: ModelSource,
  options: Pick<LoadOptions, "device" | "signal" | "onWarning">,
  size: Size | undefined,
): Promise<OpenTask> {
  if (task.kind === "draw") {
    const pipe = await StableDiffusionPipeline.fromPretrained(source, options);
    return { pipe, guidance: 7.5, options: { ...size }, [Symbol.asyncDispose]: () => pipe.dispose() };
  }
  const model = await DiffusionPipeline.fromPretrained(source, options);
  const free = () => model.dispose();
  try {
    return { guidance: 7.5, ...(await imageTask(task, model, size)), [Symbol.asyncDispose]: free };
  } catch (error) {
    await free();
    throw error;
  }
}

type ImageTask = Exclude<Task, { kind: "draw" }>;
type OpenImageTask = Pick<OpenTask, "pipe" | "options"> & Partial<Pick<OpenTask, "guidance">>;

async function imageTask(task: ImageTask, model: DiffusionPipeline, size: Size | undefined): Promise<OpenImageTask> {
  const { kind, image } = task;
  if (kind === "img2img") return { pipe: imageToImage(model), options: { image, strength: task.strength, ...size } };
  if (kind === "upscale") return enlargement(task, model, size);
  const { mask, strength, paddingMaskCrop, overlay } = task;
  const options = {
    image,
    ...(mask !== undefined && { maskImage: mask }),
    ...(strength !== undefined && { strength }),
    ...(paddingMaskCrop !== undefined && { paddingMaskCrop }),
    overlay,
    ...size,
  };
  const kindred = isXL(model) ? StableDiffusionXLInpaintPipeline : StableDiffusionInpaintPipeline;
  return { pipe: kindred.fromPipe(model), options };
}

const isXL = (model: DiffusionPipeline): boolean =>
  [StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline].some(
    (kind) => model instanceof kind,
  );

/** The pipeline that makes another picture of a picture, whatever the model is for. */
function imageToImage(model: DiffusionPipeline): TaskPipeline {
  if (isXL(model)) return StableDiffusionXLImg2ImgPipeline.fromPipe(model);
  if (model instanceof StableDiffusionInstructPix2PixPipeline) return model;
  const isDistilled =
    model instanceof LatentConsistencyModelPipeline || model instanceof LatentConsistencyModelImg2ImgPipeline;
  return (isDistilled ? LatentConsistencyModelImg2ImgPipeline : StableDiffusionImg2ImgPipeline).fromPipe(model);
}

/** By a network made for it, or as a new picture of the enlarged one. */
async function enlargement(
  { image, scale, strength = 0.3, noiseLevel }: Extract<Task, { kind: "upscale" }>,
  model: DiffusionPipeline,
  size: Size | undefined,
): Promise<OpenImageTask> {
  if (model instanceof StableDiffusionUpscalePipeline) {
    if ((scale ?? 4) !== 4) throw new RangeError(`scale: expected 4, what this model does, got ${scale}`);
    return { pipe: model, options: { image, ...(noiseLevel !== undefined && { noiseLevel }) }, guidance: 9 };
  }
  if (noiseLevel !== undefined) throw new TypeError("noiseLevel: expected nothing, this model is no ×4 upscaler");
  const picture = await loadImage(image);
  return { pipe: imageToImage(model), options: { image: picture, strength, ...(size ?? enlarged(picture, scale)) } };
}

/** Sides are cut to multiples of 8, what autoencoders take. */
function enlarged({ width, height }: Size, scale = 2): Size {
  if (!(scale >= 1)) throw new RangeError(`scale: expected 1 or more, got ${scale}`);
  const cut = (side: number) => Math.max(Math.floor((side * scale) / 8) * 8, 8);
  return { width: cut(width), height: cut(height) };
}
