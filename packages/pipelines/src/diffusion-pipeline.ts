import type { ModelSource } from "@latentkit/hub";
import { openFiles, readModelIndex } from "@latentkit/models";
import type { Scheduler } from "@latentkit/schedulers";
import { DDPMPipeline } from "./ddpm-pipeline.js";
import { LatentConsistencyModelImg2ImgPipeline } from "./latent-consistency-model-img2img-pipeline.js";
import { LatentConsistencyModelPipeline } from "./latent-consistency-model-pipeline.js";
import type { PipelineLoadOptions } from "./load-components.js";
import { pipelineName, unsupportedName } from "./pipeline-names.js";
import { StableDiffusionAdapterPipeline } from "./stable-diffusion-adapter-pipeline.js";
import { StableDiffusionControlNetImg2ImgPipeline } from "./stable-diffusion-controlnet-img2img-pipeline.js";
import { StableDiffusionControlNetInpaintPipeline } from "./stable-diffusion-controlnet-inpaint-pipeline.js";
import { StableDiffusionControlNetPipeline } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionInstructPix2PixPipeline } from "./stable-diffusion-instruct-pix2pix-pipeline.js";
import { StableDiffusionLatentUpscalePipeline } from "./stable-diffusion-latent-upscale-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionUpscalePipeline } from "./stable-diffusion-upscale-pipeline.js";
import { StableDiffusionXLAdapterPipeline } from "./stable-diffusion-xl-adapter-pipeline.js";
import { StableDiffusionXLControlNetImg2ImgPipeline } from "./stable-diffusion-xl-controlnet-img2img-pipeline.js";
import { StableDiffusionXLControlNetInpaintPipeline } from "./stable-diffusion-xl-controlnet-inpaint-pipeline.js";
import { StableDiffusionXLControlNetPipeline } from "./stable-diffusion-xl-controlnet-pipeline.js";
import { StableDiffusionXLImg2ImgPipeline } from "./stable-diffusion-xl-img2img-pipeline.js";
import { StableDiffusionXLInpaintPipeline } from "./stable-diffusion-xl-inpaint-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const pipelines = {
  DDPMPipeline,
  LatentConsistencyModelImg2ImgPipeline,
  LatentConsistencyModelPipeline,
  StableDiffusionAdapterPipeline,
  StableDiffusionControlNetImg2ImgPipeline,
  StableDiffusionControlNetInpaintPipeline,
  StableDiffusionControlNetPipeline,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionInstructPix2PixPipeline,
  StableDiffusionLatentUpscalePipeline,
  StableDiffusionPipeline,
  StableDiffusionUpscalePipeline,
  StableDiffusionXLAdapterPipeline,
  StableDiffusionXLControlNetImg2ImgPipeline,
  StableDiffusionXLControlNetInpaintPipeline,
  StableDiffusionXLControlNetPipeline,
  StableDiffusionXLImg2ImgPipeline,
  StableDiffusionXLInpaintPipeline,
  StableDiffusionXLPipeline,
};

/** A pipeline of any kind; `instanceof` tells which. */
export type DiffusionPipeline =
  | DDPMPipeline
  | LatentConsistencyModelImg2ImgPipeline
  | LatentConsistencyModelPipeline
  | StableDiffusionAdapterPipeline
  | StableDiffusionControlNetImg2ImgPipeline
  | StableDiffusionControlNetInpaintPipeline
  | StableDiffusionControlNetPipeline
  | StableDiffusionImg2ImgPipeline
  | StableDiffusionInpaintPipeline
  | StableDiffusionInstructPix2PixPipeline
  | StableDiffusionLatentUpscalePipeline
  | StableDiffusionPipeline
  | StableDiffusionUpscalePipeline
  | StableDiffusionXLAdapterPipeline
  | StableDiffusionXLControlNetImg2ImgPipeline
  | StableDiffusionXLControlNetInpaintPipeline
  | StableDiffusionXLControlNetPipeline
  | StableDiffusionXLImg2ImgPipeline
  | StableDiffusionXLInpaintPipeline
  | StableDiffusionXLPipeline;

/** Opens checkpoints of every kind. */
export interface DiffusionPipelineOpener {
  /**
   * Opens a checkpoint with the pipeline that its `model_index.json` names.
   *
   * @throws LatentKitError `"unsupported-model"` for a pipeline that there is none for, listing those that there are;
   * and whatever that pipeline's `fromPretrained` throws.
   */
  fromPretrained(
    source?: ModelSource,
    options?: PipelineLoadOptions<{ readonly scheduler: Scheduler }>,
  ): Promise<DiffusionPipeline>;
}

const isKnown = (name: string | undefined): name is keyof typeof pipelines =>
  name !== undefined && Object.hasOwn(pipelines, name);

/**
 * Whatever pipeline a checkpoint is for (Diffusers' `DiffusionPipeline`).
 *
 * @example
 * ```ts
 * const pipe = await DiffusionPipeline.fromPretrained("./stable-diffusion-v1-5");
 * const { images } = await pipe.generate({ prompt: "a red apple", seed: 42 });
 * ```
 */
export const DiffusionPipeline: DiffusionPipelineOpener = {
  async fromPretrained(source, options = {}) {
    const files = await openFiles(source, options);
    const index = await readModelIndex(files, options);
    const name = pipelineName(index);
    if (!isKnown(name)) throw unsupportedName(index, `supported: ${Object.keys(pipelines).join(", ")}`);
    return pipelines[name].fromPretrained(files, options);
  },
};
