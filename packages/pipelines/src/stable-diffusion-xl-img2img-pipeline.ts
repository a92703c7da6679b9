import { beginFrom, imageLatents, settleImage } from "./begin-from-image.js";
import { denoise } from "./denoise.js";
import type { ImageInputs } from "./image-input.js";
import type { AestheticOptions, MicroConditioningOptions } from "./micro-conditioning.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { graded, type QualityOptions } from "./quality.js";
import type { RunOptions } from "./run-options.js";
import { runWindow, type WindowOptions } from "./run-window.js";
import { type GuidanceOptions, planOptions, type ScheduleOptions, type SizeOptions } from "./sampling-options.js";
import type { StableDiffusionXLImg2ImgComponents } from "./stable-diffusion-xl-img2img-parts.js";
import { checkXLImg2ImgFit, latentTimeIds, xlImg2ImgComponents } from "./stable-diffusion-xl-img2img-parts.js";
import { conditioningXL, settleXL } from "./stable-diffusion-xl-parts.js";
import type { XLTextOptions } from "./text-options-xl.js";

/** What to make of a picture with SDXL or its refiner; `guidanceScale` is 5 and `strength` 0.3 unless given. */
export interface StableDiffusionXLImg2ImgOptions
  extends XLTextOptions,
    SizeOptions,
    ScheduleOptions,
    GuidanceOptions,
    QualityOptions,
    MicroConditioningOptions,
    AestheticOptions,
    WindowOptions,
    RunOptions {
  /**
   * What to begin from: one picture for the run, or a list that is gone through in turn. Beside `denoisingStart`, the
   * latents that the other pipeline left with `outputType: "latent"`. Its size is the run's unless `height` and `width` are given.
   */
  readonly image?: ImageInputs;
}

/**
 * Image to image with SDXL, and its refiner (Podell et al. 2023, §2.5; Diffusers' `StableDiffusionXLImg2ImgPipeline`).
 *
 * @example
 * ```ts
 * const base = await StableDiffusionXLPipeline.fromPretrained("./stable-diffusion-xl-base-1.0");
 * const refiner = await StableDiffusionXLImg2ImgPipeline.fromPretrained("./stable-diffusion-xl-refiner-1.0");
 * const prompt = "a red apple";
 * const { latents } = await base.generate({ prompt, denoisingEnd: 0.8, outputType: "latent" });
 * const { images } = await refiner.generate({ prompt, image: latents, denoisingStart: 0.8 });
 * ```
 */
export const StableDiffusionXLImg2ImgPipeline: PipelineClass<
  StableDiffusionXLImg2ImgComponents,
  StableDiffusionXLImg2ImgOptions,
  StableDiffusionXLImg2ImgPipeline
> = pipelineClass<StableDiffusionXLImg2ImgComponents, StableDiffusionXLImg2ImgOptions>({
  name: "StableDiffusionXLImg2ImgPipeline",
  components: xlImg2ImgComponents,
  check: (parts) => checkXLImg2ImgFit(parts),
  prepare: graded((parts, options) => {
    const { unet, vae, scheduler } = parts;
    const request = settleXL(parts, options);
    const { images } = request.text;
    const image = settleImage(options, vae, images);
    const { denoisingStart, denoisingEnd, strength = 0.3 } = options;
    const window = runWindow(scheduler, planOptions(options, 50), { denoisingStart, denoisingEnd, strength });
    return {
      images,
      window,
      decode: (latents) => vae.decode(latents),
      async *states(tools) {
        const latents = await imageLatents(vae, image, tools);
        const ids = latentTimeIds(parts, options, latents);
        const { context, conditions } = await conditioningXL(parts, request, ids, tools.onWarning);
        const from = beginFrom(window, latents, denoisingStart === undefined ? tools.random : undefined);
        const { sampling, signal, remoteStates } = tools;
        const run = { ...request.guidance, conditions, random: sampling, signal, remoteStates, until: window.end };
        const { sample } = yield* denoise(unet, window.plan, from, context, run);
        return sample;
      },
    };
  }),
});
export interface StableDiffusionXLImg2ImgPipeline
  extends Pipeline<StableDiffusionXLImg2ImgComponents, StableDiffusionXLImg2ImgOptions> {}
