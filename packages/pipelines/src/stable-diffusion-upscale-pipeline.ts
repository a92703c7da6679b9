import { denoise } from "./denoise.js";
import { checkTensor } from "./option-checks.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { wholeRun } from "./run-window.js";
import { planOptions, settleGuidance } from "./sampling-options.js";
import { checkStableDiffusionFit } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText } from "./text-options.js";
import type { StableDiffusionUpscaleComponents, UpscaleOptions } from "./upscale-parts.js";
import { COLOURS, noisedPicture, settlePicture, upscaleComponents } from "./upscale-parts.js";
import { withChannels } from "./with-channels.js";

/**
 * Enlarges a picture four times (Rombach et al. 2022, §4.4, with the noise of Ho et al. 2021; Diffusers'
 * `StableDiffusionUpscalePipeline`). The network sees the small picture beside latents of the same size.
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionUpscalePipeline.fromPretrained("./stable-diffusion-x4-upscaler");
 * const { images } = await pipe.generate({ prompt: "a white cat", image: "./cat-128.png", seed: 42 });
 * await images[0].save("cat-512.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionUpscalePipeline: PipelineClass<
  StableDiffusionUpscaleComponents,
  UpscaleOptions,
  StableDiffusionUpscalePipeline
> = pipelineClass<StableDiffusionUpscaleComponents, UpscaleOptions>({
  name: "StableDiffusionUpscalePipeline",
  components: upscaleComponents,
  check: (parts) => checkStableDiffusionFit(parts, [COLOURS]),
  prepare(parts, options) {
    const { unet, vae } = parts;
    const text = settleText(options, unet.config.crossAttentionDim);
    const guidance = settleGuidance(options, 9, unet);
    const picture = settlePicture(parts, options, text.images);
    const plan = parts.scheduler.plan(planOptions(options, 75));
    return {
      images: text.images,
      window: wholeRun(plan),
      decode: (latents) => vae.decode(latents),
      async *states(tools) {
        const isGuided = guidance.guidance !== undefined || guidance.guidanceScale > 1;
        const context = await textContext(parts, text, isGuided, tools.onWarning);
        const small = await noisedPicture(picture, tools);
        const shape = [text.images, vae.latentChannels, ...small.shape.slice(2)];
        if (options.latents) checkTensor(options.latents, shape.join(" "), "latents");
        const from = plan.start(options.latents ?? tools.random.normal(shape));
        const conditions = unet.config.classEmbeddings === undefined ? {} : { classLabels: [picture.noiseLevel] };
        const run = { ...guidance, conditions, random: tools.sampling, signal: tools.signal };
        const { sample } = yield* denoise(withChannels(unet, small), plan, from, context, run);
        return sample;
      },
    };
  },
});
export interface StableDiffusionUpscalePipeline extends Pipeline<StableDiffusionUpscaleComponents, UpscaleOptions> {}
