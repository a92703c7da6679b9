import {
  type AdapterOptions,
  type ControlOptions,
  DiffusionPipeline,
  type GenerateResult,
  type Img2ImgOptions,
  type InpaintOptions,
  LatentKitError,
  type LoadOptions,
  type ModelSource,
  type Scheduler,
  StableDiffusionInpaintPipeline,
  StableDiffusionXLInpaintPipeline,
  type UpscaleOptions,
} from "latentkit";
import { drawingPipeline } from "./drawing-pipeline.js";
import { enlarging } from "./enlarging.js";
import { imageToImage } from "./image-to-image.js";
import { isXL } from "./is-xl.js";
import { controlTask } from "./open-control.js";
import type { Size } from "./size.js";
import { type SuitedSettings, suitedSettings } from "./suited-settings.js";
import type { Task } from "./task.js";

/** What a pipeline is told of its task. */
export type TaskOptions = Img2ImgOptions & InpaintOptions & UpscaleOptions & ControlOptions & AdapterOptions;

/** How to open the networks of a task. */
export type OpenOptions = Pick<LoadOptions, "device" | "graphCache" | "signal" | "onWarning" | "onProgress">;

/** A pipeline that does a task. */
export interface TaskPipeline {
  readonly components: object;
  scheduler: Scheduler;
  generate(options: TaskOptions): Promise<GenerateResult>;
}

/** A task ready to be done. */
export interface OpenTask extends SuitedSettings, AsyncDisposable {
  readonly pipe: TaskPipeline;
  readonly options: TaskOptions;
}

/** Opens the pipeline that does a task with a model. */
export async function openTask(
  task: Task,
  source: ModelSource,
  options: OpenOptions,
  size: Size | undefined,
): Promise<OpenTask> {
  const model = await DiffusionPipeline.fromPretrained(source, options);
  const free = () => model.dispose();
  try {
    checkText(model);
    const opened =
      task.kind === "control" ? await controlTask(task, model, options, size) : await plainTask(task, model, size);
    return { ...suitedSettings(opened.pipe), [Symbol.asyncDispose]: free, ...opened };
  } catch (error) {
    await free();
    throw error;
  }
}

/** @throws LatentKitError for a model that was trained on pictures alone. */
function checkText(model: DiffusionPipeline): void {
  if ("textEncoder" in model.components || "textEncoder2" in model.components) return;
  const remedy = `use ${model.constructor.name} of the library`;
  throw new LatentKitError("unsupported-model", `this model draws without a text; ${remedy}`);
}

type PlainTask = Exclude<Task, { kind: "control" }>;
type OpenPlainTask = Pick<OpenTask, "pipe" | "options">;

async function plainTask(task: PlainTask, model: DiffusionPipeline, size: Size | undefined): Promise<OpenPlainTask> {
  if (task.kind === "draw") return { pipe: drawingPipeline(model), options: { ...size } };
  const { kind, image } = task;
  if (kind === "img2img") return { pipe: imageToImage(model), options: { image, strength: task.strength, ...size } };
  if (kind === "upscale") return enlarging(task, model, size);
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
