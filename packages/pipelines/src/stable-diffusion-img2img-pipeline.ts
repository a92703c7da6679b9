import { beginFrom, imageLatents, settleImage } from "./begin-from-image.js";
import { denoise } from "./denoise.js";
import { distilledGuidance, isGuided } from "./guidance-embedding.js";
import type { Img2ImgOptions } from "./img2img-options.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { graded } from "./quality.js";
import { runWindow } from "./run-window.js";
import { planOptions, settleGuidance } from "./sampling-options.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { checkStableDiffusionFit, stableDiffusionComponents } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText } from "./text-options.js";

/**
 * Image to image with Stable Diffusion 1 and 2 (Meng et al. 2022, algorithm 1; Diffusers' `StableDiffusionImg2ImgPipeline`):
 * the picture is noised to the level that `strength` says, and denoised from there.
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionImg2ImgPipeline.fromPretrained("./stable-diffusion-v1-5");
 * const { images } = await pipe.generate({ prompt: "an oil painting", image: "./photo.png", strength: 0.6, seed: 42 });
 * await images[0].save("painting.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionImg2ImgPipeline: PipelineClass<
  StableDiffusionComponents,
  Img2ImgOptions,
  StableDiffusionImg2ImgPipeline
> = pipelineClass({
  name: "StableDiffusionImg2ImgPipeline",
  components: stableDiffusionComponents,
  check: (parts) => checkStableDiffusionFit(parts),
  prepare: graded((parts, options) => {
    const { unet, vae, scheduler } = parts;
    const text = settleText(options, unet.config.crossAttentionDim);
    const guidance = settleGuidance(options, 7.5, unet);
    const image = settleImage(options, vae, text.images);
    const { strength = 0.8 } = options;
    const window = runWindow(scheduler, planOptions(options, 50), { strength });
    return {
      images: text.images,
      window,
      decode: (latents) => vae.decode(latents),
      async *states(tools) {
        const context = await textContext(parts, text, isGuided(unet, guidance), tools.onWarning);
        const from = beginFrom(window, await imageLatents(vae, image, tools), tools.random);
        const conditions = distilledGuidance(unet, guidance.guidanceScale, text.images);
        const { sampling: random, signal, remoteStates } = tools;
        const { sample } = yield* denoise(unet, window.plan, from, context, {
          ...guidance,
          conditions,
          random,
          signal,
          remoteStates,
        });
        return sample;
      },
    };
  }),
});
export interface StableDiffusionImg2ImgPipeline extends Pipeline<StableDiffusionComponents, Img2ImgOptions> {}
