import {
  type DiffusionPipeline,
  LatentConsistencyModelImg2ImgPipeline,
  LatentConsistencyModelPipeline,
  LatentKitError,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionPipeline,
  StableDiffusionXLImg2ImgPipeline,
  StableDiffusionXLPipeline,
} from "latentkit";
import { commandOf } from "./command-of.js";
import type { TaskPipeline } from "./open-task.js";

/** The pipeline that draws from a text alone. @throws LatentKitError for a model that cannot, with the command for it. */
export function drawingPipeline(model: DiffusionPipeline): TaskPipeline {
  if (model instanceof StableDiffusionPipeline || model instanceof LatentConsistencyModelPipeline) return model;
  if (model instanceof StableDiffusionXLPipeline) return model;
  if (model instanceof StableDiffusionImg2ImgPipeline) return StableDiffusionPipeline.fromPipe(model);
  if (model instanceof LatentConsistencyModelImg2ImgPipeline) return LatentConsistencyModelPipeline.fromPipe(model);
  // the refiner has but one of the two text encoders
  if (model instanceof StableDiffusionXLImg2ImgPipeline && model.components.textEncoder)
    return StableDiffusionXLPipeline.fromPipe(model);
  const remedy = `use latentkit ${commandOf(model)}`;
  throw new LatentKitError("unsupported-model", `this model does not draw from a text alone; ${remedy}`);
}
