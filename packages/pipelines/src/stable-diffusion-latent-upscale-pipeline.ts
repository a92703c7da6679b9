import { guided } from "./guided.js";
import {
  besideLevel,
  checkLatentUpscaleFit,
  checkSampleScheduler,
  denoised,
  type LatentUpscaleOptions,
  latentPredictor,
  latentUpscaleComponents,
  pooledWidth,
  type StableDiffusionLatentUpscaleComponents,
  settleSmallPicture,
  smallLatents,
  twice,
} from "./latent-upscale-parts.js";
import { checkTensor } from "./option-checks.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { pooledContext } from "./pooled-context.js";
import { type Prediction, reverseProcess } from "./reverse-process.js";
import { wholeRun } from "./run-window.js";
import { settleGuidance } from "./sampling-options.js";
import { settleTextXL } from "./text-options-xl.js";
import { withChannels } from "./with-channels.js";

/**
 * Enlarges the latents of Stable Diffusion 1 and 2 two times, before they are decoded (Katherine Crowson's upscaler, with
 * the preconditioning of Karras et al. 2022, table 1; Diffusers' `StableDiffusionLatentUpscalePipeline`).
 *
 * @example
 * ```ts
 * const upscaler = await StableDiffusionLatentUpscalePipeline.fromPretrained("./sd-x2-latent-upscaler");
 * const { latents } = await pipe.generate({ prompt: "a red apple", outputType: "latent" });
 * const run = { prompt: "a red apple", image: latents, numInferenceSteps: 20, guidanceScale: 0 };
 * const { images } = await upscaler.generate(run);
 * await images[0].save("apple-1024.png");
 * ```
 */
export const StableDiffusionLatentUpscalePipeline: PipelineClass<
  StableDiffusionLatentUpscaleComponents,
  LatentUpscaleOptions,
  StableDiffusionLatentUpscalePipeline
> = pipelineClass<StableDiffusionLatentUpscaleComponents, LatentUpscaleOptions>({
  name: "StableDiffusionLatentUpscalePipeline",
  components: latentUpscaleComponents,
  check: checkLatentUpscaleFit,
  prepare(parts, options) {
    const { unet, vae, scheduler } = parts;
    checkSampleScheduler(scheduler);
    const text = settleTextXL(options, unet.config.crossAttentionDim, pooledWidth(unet));
    const { guidanceScale } = settleGuidance(options, 9, {});
    const picture = settleSmallPicture(parts, options.image, text.images);
    const plan = scheduler.plan({ numInferenceSteps: options.numInferenceSteps ?? 75 });
    return {
      images: text.images,
      window: wholeRun(plan),
      decode: (latents) => vae.decode(latents),
      async *states({ random, sampling, encodingOf, signal, onWarning }) {
        const asked = guidanceScale === 0 ? { ...text, prompts: text.prompts.map(() => "") } : text;
        const { context, pooled } = await pooledContext(parts, asked, guidanceScale > 1, onWarning);
        const large = twice(await smallLatents(vae, picture, encodingOf));
        if (options.latents) checkTensor(options.latents, large.shape.join(" "), "latents");
        const from = plan.start(options.latents ?? random.normal(large.shape));
        const network = withChannels(latentPredictor(unet, vae.latentChannels), large);
        const conditions = { timestepCond: besideLevel(pooled) };
        const predict: Prediction = async (input, _, { index, sample }) => {
          const sigma = plan.sigmas?.[index] ?? 0;
          const output = await guided(network, input, Math.log(sigma) / 4, context, guidanceScale, { conditions });
          return denoised(sample, output, sigma);
        };
        return (yield* reverseProcess(plan, from, predict, { random: sampling, signal })).sample;
      },
    };
  },
});
export interface StableDiffusionLatentUpscalePipeline
  extends Pipeline<StableDiffusionLatentUpscaleComponents, LatentUpscaleOptions> {}
