import {
  type DiffusionPipeline,
  LatentConsistencyModelImg2ImgPipeline,
  LatentConsistencyModelPipeline,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInstructPix2PixPipeline,
  StableDiffusionXLImg2ImgPipeline,
} from "latentkit";
import { isXL } from "./is-xl.js";
import type { TaskPipeline } from "./open-task.js";

/** The pipeline that makes another picture of a picture, whatever the model is for. */
export function imageToImage(model: DiffusionPipeline): TaskPipeline {
  if (isXL(model)) return StableDiffusionXLImg2ImgPipeline.fromPipe(model);
  if (model instanceof StableDiffusionInstructPix2PixPipeline) return model;
  const isDistilled =
    model instanceof LatentConsistencyModelPipeline || model instanceof LatentConsistencyModelImg2ImgPipeline;
  return (isDistilled ? LatentConsistencyModelImg2ImgPipeline : StableDiffusionImg2ImgPipeline).fromPipe(model);
}
