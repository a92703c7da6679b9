import { beginFrom, imageLatents, settleImage } from "./begin-from-image.js";
import { denoise } from "./denoise.js";
import { distilledGuidance } from "./guidance-embedding.js";
import type { ImageOptions } from "./img2img-options.js";
import { checkDistilledFit, type LatentConsistencyModelOptions } from "./latent-consistency-model-pipeline.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { checkWindow, type WindowOptions, wholeRun } from "./run-window.js";
import { planOptions, settleGuidance } from "./sampling-options.js";
import { latentConsistencyComponents, type StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText } from "./text-options.js";

/** What to make of a picture with a latent consistency model; `numInferenceSteps` is 4 and `strength` 0.8 unless given. */
export interface LatentConsistencyModelImg2ImgOptions
  extends Omit<LatentConsistencyModelOptions, "latents">,
    ImageOptions,
    Pick<WindowOptions, "strength"> {}

/**
 * Image to image with a latent consistency model (Luo et al. 2023; Diffusers' `LatentConsistencyModelImg2ImgPipeline`).
 * `strength` shortens the schedule that the network was distilled on, so that all steps are made.
 *
 * @example
 * ```ts
 * const pipe = await LatentConsistencyModelImg2ImgPipeline.fromPretrained("./LCM_Dreamshaper_v7");
 * const { images } = await pipe.generate({ prompt: "an oil painting", image: "./photo.png", strength: 0.5, seed: 42 });
 * await images[0].save("painting.png");
 * await pipe.dispose();
 * ```
 */
export const LatentConsistencyModelImg2ImgPipeline: PipelineClass<
  StableDiffusionComponents,
  LatentConsistencyModelImg2ImgOptions,
  LatentConsistencyModelImg2ImgPipeline
> = pipelineClass({
  name: "LatentConsistencyModelImg2ImgPipeline",
  components: latentConsistencyComponents,
  check: (parts) => checkDistilledFit(parts, "StableDiffusionImg2ImgPipeline"),
  prepare(parts, options) {
    const { unet, vae } = parts;
    const text = settleText(options, unet.config.crossAttentionDim);
    const { guidanceScale } = settleGuidance(options, 8.5, {});
    const image = settleImage(options, vae, text.images);
    const { strength = 0.8, originalInferenceSteps } = options;
    checkWindow({ strength });
    const plan = parts.scheduler.plan({ ...planOptions(options, 4), originalInferenceSteps, strength });
    const window = wholeRun(plan);
    return {
      images: text.images,
      window,
      decode: (latents) => vae.decode(latents),
      async *states(tools) {
        const context = await textContext(parts, text, false, tools.onWarning);
        const from = beginFrom(window, await imageLatents(vae, image, tools), tools.random);
        const conditions = distilledGuidance(unet, guidanceScale, text.images);
        const { sampling: random, signal, remoteStates } = tools;
        const { sample } = yield* denoise(unet, plan, from, context, { conditions, random, signal, remoteStates });
        return sample;
      },
    };
  },
});
export interface LatentConsistencyModelImg2ImgPipeline
  extends Pipeline<StableDiffusionComponents, LatentConsistencyModelImg2ImgOptions> {}
