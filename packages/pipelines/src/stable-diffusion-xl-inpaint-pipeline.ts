import { denoise } from "./denoise.js";
import { readCanvas } from "./inpaint-canvas.js";
import type { StableDiffusionXLInpaintOptions } from "./inpaint-options.js";
import { settleInpaint } from "./inpaint-request.js";
import { beginInpainting, decodeCanvas, untouchedLatents } from "./inpainting.js";
import { intercept } from "./intercept.js";
import { once } from "./once.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { graded } from "./quality.js";
import { runWindow } from "./run-window.js";
import { latentFacts, planOptions } from "./sampling-options.js";
import type { StableDiffusionXLImg2ImgComponents } from "./stable-diffusion-xl-img2img-parts.js";
import { checkXLImg2ImgFit, latentTimeIds, xlImg2ImgComponents } from "./stable-diffusion-xl-img2img-parts.js";
import { conditioningXL, settleXL, XL_SAMPLE_SIZE } from "./stable-diffusion-xl-parts.js";

/**
 * Paints a part of a picture anew with SDXL, its refiner, or a network made for it (Podell et al. 2023; Diffusers'
 * `StableDiffusionXLInpaintPipeline`).
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionXLInpaintPipeline.fromPretrained("./stable-diffusion-xl-1.0-inpainting-0.1");
 * const picture = { image: "./bench.png", maskImage: "./bench-mask.png", overlay: true };
 * const { images } = await pipe.generate({ prompt: "a yellow cat", ...picture, seed: 42 });
 * await images[0].save("cat.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionXLInpaintPipeline: PipelineClass<
  StableDiffusionXLImg2ImgComponents,
  StableDiffusionXLInpaintOptions,
  StableDiffusionXLInpaintPipeline
> = pipelineClass<StableDiffusionXLImg2ImgComponents, StableDiffusionXLInpaintOptions>({
  name: "StableDiffusionXLInpaintPipeline",
  components: xlImg2ImgComponents,
  check: (parts) => checkXLImg2ImgFit(parts, [0, parts.vae.latentChannels + 1]),
  prepare: graded((parts, options) => {
    const { vae, scheduler } = parts;
    const xl = settleXL(parts, options, 7.5);
    const { images } = xl.text;
    const request = settleInpaint(options, vae, latentFacts(parts, XL_SAMPLE_SIZE), images);
    const { denoisingStart, denoisingEnd, strength = 0.9999 } = options;
    const window = runWindow(scheduler, planOptions(options, 50), { denoisingStart, denoisingEnd, strength });
    const levels = { strength, isNoisy: denoisingStart !== undefined };
    const canvas = once(() => readCanvas(request, vae.scaleFactor));
    return {
      images,
      window,
      decode: async (latents) => decodeCanvas(vae, await canvas(), latents),
      finish: async (pictures) => (await canvas()).finish(pictures),
      async *states(tools) {
        const painted = await canvas();
        if (painted.isUntouched) return untouchedLatents(vae, painted, request, tools);
        const { from, predictor, keep } = await beginInpainting(parts, painted, request, window, levels, tools);
        const ids = latentTimeIds(parts, options, from.sample);
        const { context, conditions } = await conditioningXL(parts, xl, ids, tools.onWarning);
        const { sampling: random, signal } = tools;
        const how = { ...xl.guidance, conditions, random, signal, until: window.end };
        const { sample } = yield* intercept(denoise(predictor, window.plan, from, context, how), keep);
        return sample;
      },
    };
  }),
});
export interface StableDiffusionXLInpaintPipeline
  extends Pipeline<StableDiffusionXLImg2ImgComponents, StableDiffusionXLInpaintOptions> {}
