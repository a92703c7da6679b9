import {
  LatentConsistencyModelImg2ImgPipeline,
  LatentConsistencyModelPipeline,
  StableDiffusionLatentUpscalePipeline,
  StableDiffusionUpscalePipeline,
  StableDiffusionXLInpaintPipeline,
} from "latentkit";
import type { TaskPipeline } from "./open-task.js";

/** What to draw with where the user has not said it. */
export interface SuitedSettings {
  readonly steps: number;
  readonly guidance: number;
}

/** Diffusers' scale for a pipeline, and 20 steps where Diffusers makes 50. */
export function suitedSettings(pipe: TaskPipeline): SuitedSettings {
  if (pipe instanceof LatentConsistencyModelPipeline || pipe instanceof LatentConsistencyModelImg2ImgPipeline)
    return { steps: 4, guidance: 8.5 };
  if (pipe instanceof StableDiffusionUpscalePipeline || pipe instanceof StableDiffusionLatentUpscalePipeline)
    return { steps: 20, guidance: 9 };
  const isXL = "textEncoder2" in pipe.components && !(pipe instanceof StableDiffusionXLInpaintPipeline);
  return { steps: 20, guidance: isXL ? 5 : 7.5 };
}
