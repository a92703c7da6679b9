import {
  type DeepCacheOptions,
  graded,
  type Scheduler,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionPipeline,
  StableDiffusionXLImg2ImgPipeline,
  StableDiffusionXLInpaintPipeline,
  StableDiffusionXLPipeline,
} from "latentkit";
import type { Job } from "./job.js";
import type { OpenTask, TaskPipeline } from "./open-task.js";
import { chosenScheduler } from "./scheduler-names.js";

/** The steps of a run, and how they are made. */
export interface SettledSchedule {
  readonly scheduler: Scheduler;
  readonly steps: number;
  readonly deepCache?: DeepCacheOptions | undefined;
}

/** What the user said, else what the quality stands for, else what suits the model. */
export async function settledSchedule(
  { quality, deepCache: interval, scheduler: choice, steps }: Job,
  { pipe, steps: suited }: Pick<OpenTask, "pipe" | "steps">,
): Promise<SettledSchedule> {
  const scheduler = choice ? chosenScheduler(choice, pipe.scheduler) : pipe.scheduler;
  const said = interval === undefined ? {} : { deepCache: { interval } };
  if (quality === "normal") return { scheduler, steps: steps ?? suited, ...said };
  const settled = graded((parts, { numInferenceSteps = suited, deepCache }) => ({
    scheduler: choice ? scheduler : parts.scheduler,
    steps: numInferenceSteps,
    deepCache,
  }));
  const options = { quality, ...said, ...(steps !== undefined && { numInferenceSteps: steps }) };
  return settled({ ...gradedParts(pipe), scheduler }, options);
}

/** @throws TypeError for a pipeline whose networks have one quality. */
function gradedParts(pipe: TaskPipeline) {
  if (pipe instanceof StableDiffusionPipeline || pipe instanceof StableDiffusionXLPipeline) return pipe.components;
  if (pipe instanceof StableDiffusionImg2ImgPipeline || pipe instanceof StableDiffusionXLImg2ImgPipeline)
    return pipe.components;
  if (pipe instanceof StableDiffusionInpaintPipeline || pipe instanceof StableDiffusionXLInpaintPipeline)
    return pipe.components;
  throw new TypeError(`quality: expected "normal" for ${pipe.constructor.name}`);
}
