import { denoise } from "./denoise.js";
import type { GenerateOptions } from "./generate-options.js";
import { distilledGuidance, isGuided } from "./guidance-embedding.js";
import { settleHiresFix } from "./hires-fix.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { graded } from "./quality.js";
import { latentFacts, planOptions, settleGuidance, settleLatents, settleSize } from "./sampling-options.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { checkStableDiffusionFit, SAMPLE_SIZE, stableDiffusionComponents } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText } from "./text-options.js";

/**
 * Text to image with Stable Diffusion 1 and 2, SD-Turbo, and networks distilled from them (Diffusers' `StableDiffusionPipeline`).
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionPipeline.fromPretrained("./stable-diffusion-v1-5");
 * const { images } = await pipe.generate({ prompt: "a red apple", seed: 42 });
 * await images[0].save("apple.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionPipeline: PipelineClass<
  StableDiffusionComponents,
  GenerateOptions,
  StableDiffusionPipeline
> = pipelineClass({
  name: "StableDiffusionPipeline",
  components: stableDiffusionComponents,
  check: (parts) => checkStableDiffusionFit(parts),
  prepare: graded((parts, options) => {
    const { unet, vae, scheduler } = parts;
    const facts = latentFacts(parts, SAMPLE_SIZE);
    const text = settleText(options, unet.config.crossAttentionDim);
    const guidance = settleGuidance(options, 7.5, unet);
    const size = settleSize(options, facts);
    const shape = settleLatents(options, size, text.images, facts);
    const request = planOptions(options, 50);
    const plan = scheduler.plan(request);
    const second = settleHiresFix(options.hiresFix, { ...facts, vae, scheduler, size, request });
    return {
      images: text.images,
      window: { timesteps: [...plan.timesteps, ...(second?.window.timesteps ?? [])] },
      decode: (latents) => vae.decode(latents),
      async *states(tools) {
        const { random, sampling, signal, remoteStates, onWarning } = tools;
        const context = await textContext(parts, text, isGuided(unet, guidance), onWarning);
        const noise = plan.start(options.latents ?? random.normal(shape));
        const conditions = distilledGuidance(unet, guidance.guidanceScale, text.images);
        const run = { ...guidance, conditions, random: sampling, signal, remoteStates };
        const { sample } = yield* denoise(unet, plan, noise, context, run);
        if (!second) return sample;
        const from = await second.begin(sample, tools);
        return (yield* denoise(unet, second.window.plan, from, context, run)).sample;
      },
    };
  }),
});
export interface StableDiffusionPipeline extends Pipeline<StableDiffusionComponents, GenerateOptions> {}
