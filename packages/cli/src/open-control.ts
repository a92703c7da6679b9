import {
  ControlNetModel,
  canny,
  type DiffusionPipeline,
  depth,
  grey,
  loadImage,
  openSource,
  type RgbaImage,
  StableDiffusionAdapterPipeline,
  StableDiffusionControlNetPipeline,
  StableDiffusionXLAdapterPipeline,
  StableDiffusionXLControlNetPipeline,
  scribble,
  T2IAdapter,
  tile,
} from "latentkit";
import { isXL } from "./is-xl.js";
import type { OpenOptions, OpenTask } from "./open-task.js";
import type { Size } from "./size.js";
import type { ControlTask, Preprocessing } from "./task.js";

const preprocess: Readonly<Record<Preprocessing, (image: RgbaImage) => RgbaImage>> = {
  canny: (image) => canny(image),
  scribble: (image) => scribble(image),
  depth: (image) => depth(image),
  grey: (image) => grey(image),
  tile: (image) => tile(image),
  none: (image) => image,
};

/** Opens what steers, and the pipeline that is steered. */
export async function controlTask(
  task: ControlTask,
  model: DiffusionPipeline,
  options: OpenOptions,
  size: Size | undefined,
): Promise<Pick<OpenTask, "pipe" | "options" | typeof Symbol.asyncDispose>> {
  const { controlnet, adapter, scale, start, end, guess } = task;
  if (adapter !== undefined) checkAdapter(task);
  const controlImage = preprocess[task.preprocess](await loadImage(task.image));
  const steered = await (adapter === undefined
    ? controlled(model, controlnet, options)
    : adapted(model, adapter, options));
  return {
    ...steered,
    options: {
      controlImage,
      ...(scale !== undefined && { controlnetConditioningScale: scale, adapterConditioningScale: scale }),
      ...(start !== undefined && { controlGuidanceStart: start }),
      ...(end !== undefined && { controlGuidanceEnd: end, adapterConditioningFactor: end }),
      ...(guess && { guessMode: true }),
      ...size,
    },
  };
}

/** Adapters steer from the first step on, and both parts of the batch. */
function checkAdapter({ controlnet, start, guess }: ControlTask): void {
  if (controlnet !== undefined) throw new TypeError("adapter: expected nothing beside a ControlNet");
  if (start !== undefined) throw new TypeError("controlGuidanceStart: expected a ControlNet beside it, got an adapter");
  if (guess) throw new TypeError("guessMode: expected a ControlNet beside it, got an adapter");
}

type Steered = Pick<OpenTask, "pipe" | typeof Symbol.asyncDispose>;

/** By a ControlNet: the model's own, or one of elsewhere. */
async function controlled(
  model: DiffusionPipeline,
  source: string | undefined,
  options: OpenOptions,
): Promise<Steered> {
  const kind = isXL(model) ? StableDiffusionXLControlNetPipeline : StableDiffusionControlNetPipeline;
  if (source === undefined) {
    if (!("controlnet" in model.components))
      throw new TypeError(
        "controlnet: expected a ControlNet's id, folder or file, got none; the model has none either",
      );
    return { pipe: kind.fromPipe(model), [Symbol.asyncDispose]: () => model.dispose() };
  }
  const controlnet = await ControlNetModel.fromPretrained(await openSource(source, options), options);
  return steeredBy(model, controlnet, () => kind.fromPipe(model, { controlnet }));
}

async function adapted(model: DiffusionPipeline, source: string, options: OpenOptions): Promise<Steered> {
  const adapter = await T2IAdapter.fromPretrained(await openSource(source, options), options);
  const kind = isXL(model) ? StableDiffusionXLAdapterPipeline : StableDiffusionAdapterPipeline;
  return steeredBy(model, adapter, () => kind.fromPipe(model, { adapter }));
}

/** The network is freed with the model, and also when they do not go together. */
async function steeredBy(
  model: DiffusionPipeline,
  network: { dispose(): Promise<void> },
  assemble: () => OpenTask["pipe"],
): Promise<Steered> {
  try {
    const pipe = assemble();
    const free = async () => {
      await Promise.all([model.dispose(), network.dispose()]);
    };
    return { pipe, [Symbol.asyncDispose]: free };
  } catch (error) {
    await network.dispose();
    throw error;
  }
}
