import { denoise } from "./denoise.js";
import { distilledGuidance, isGuided } from "./guidance-embedding.js";
import { readCanvas } from "./inpaint-canvas.js";
import type { InpaintOptions } from "./inpaint-options.js";
import { settleInpaint } from "./inpaint-request.js";
import { beginInpainting, decodeCanvas, untouchedLatents } from "./inpainting.js";
import { intercept } from "./intercept.js";
import { once } from "./once.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { graded } from "./quality.js";
import { runWindow } from "./run-window.js";
import { latentFacts, planOptions, settleGuidance } from "./sampling-options.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { checkStableDiffusionFit, SAMPLE_SIZE, stableDiffusionComponents } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText } from "./text-options.js";

/**
 * Paints a part of a picture anew with Stable Diffusion 1 and 2: networks made for it see the rest of the picture beside
 * the latents (Rombach et al. 2022, §4.5), others have it put back at every step (Lugmayr et al. 2022, equation 8;
 * Diffusers' `StableDiffusionInpaintPipeline`).
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionInpaintPipeline.fromPretrained("./stable-diffusion-inpainting");
 * const picture = { image: "./bench.png", maskImage: "./bench-mask.png", overlay: true };
 * const { images } = await pipe.generate({ prompt: "a yellow cat", ...picture, seed: 42 });
 * await images[0].save("cat.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionInpaintPipeline: PipelineClass<
  StableDiffusionComponents,
  InpaintOptions,
  StableDiffusionInpaintPipeline
> = pipelineClass({
  name: "StableDiffusionInpaintPipeline",
  components: stableDiffusionComponents,
  check: (parts) => checkStableDiffusionFit(parts, [0, parts.vae.latentChannels + 1]),
  prepare: graded((parts, options) => {
    const { unet, vae, scheduler } = parts;
    const text = settleText(options, unet.config.crossAttentionDim);
    const guidance = settleGuidance(options, 7.5, unet);
    const request = settleInpaint(options, vae, latentFacts(parts, SAMPLE_SIZE), text.images);
    const { strength = 1 } = options;
    const window = runWindow(scheduler, planOptions(options, 50), { strength });
    const canvas = once(() => readCanvas(request, vae.scaleFactor));
    return {
      images: text.images,
      window,
      decode: async (latents) => decodeCanvas(vae, await canvas(), latents),
      finish: async (images) => (await canvas()).finish(images),
      async *states(tools) {
        const painted = await canvas();
        if (painted.isUntouched) return untouchedLatents(vae, painted, request, tools);
        const context = await textContext(parts, text, isGuided(unet, guidance), tools.onWarning);
        const { from, predictor, keep } = await beginInpainting(parts, painted, request, window, { strength }, tools);
        const conditions = distilledGuidance(unet, guidance.guidanceScale, text.images);
        const { sampling: random, signal } = tools;
        const run = denoise(predictor, window.plan, from, context, { ...guidance, conditions, random, signal });
        const { sample } = yield* intercept(run, keep);
        return sample;
      },
    };
  }),
});
export interface StableDiffusionInpaintPipeline extends Pipeline<StableDiffusionComponents, InpaintOptions> {}
