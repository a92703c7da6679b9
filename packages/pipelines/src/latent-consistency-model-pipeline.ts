import { LatentKitError } from "@latentkit/core";
import { denoise } from "./denoise.js";
import { distilledGuidance } from "./guidance-embedding.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import type { RunOptions } from "./run-options.js";
import { wholeRun } from "./run-window.js";
import type { LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import { latentFacts, planOptions, settleGuidance, settleLatents, settleSize } from "./sampling-options.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { checkStableDiffusionFit, latentConsistencyComponents, SAMPLE_SIZE } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText, type TextOptions } from "./text-options.js";

/** What to draw with a latent consistency model, which knows no negative prompts; `numInferenceSteps` is 4 unless given. */
export interface LatentConsistencyModelOptions
  extends Omit<TextOptions, "negativePrompt" | "negativePromptEmbeds">,
    SizeOptions,
    Pick<ScheduleOptions, "numInferenceSteps" | "timesteps">,
    LatentsOptions,
    RunOptions {
  /** Length of the schedule that the network was distilled on, of which the steps are taken. @default the scheduler's */
  readonly originalInferenceSteps?: number;
  /** The scale the network is told; it costs nothing. @default 8.5 */
  readonly guidanceScale?: number;
}

/**
 * Text to image in a few steps with a latent consistency model (Luo et al. 2023, algorithm 3; Diffusers'
 * `LatentConsistencyModelPipeline`). `StableDiffusionPipeline` opens the same checkpoints, with its own defaults.
 *
 * @example
 * ```ts
 * const pipe = await LatentConsistencyModelPipeline.fromPretrained("./LCM_Dreamshaper_v7");
 * const { images } = await pipe.generate({ prompt: "a red apple", numInferenceSteps: 4, seed: 42 });
 * await images[0].save("apple.png");
 * await pipe.dispose();
 * ```
 */
export const LatentConsistencyModelPipeline: PipelineClass<
  StableDiffusionComponents,
  LatentConsistencyModelOptions,
  LatentConsistencyModelPipeline
> = pipelineClass({
  name: "LatentConsistencyModelPipeline",
  components: latentConsistencyComponents,
  check: (parts) => checkDistilledFit(parts, "StableDiffusionPipeline"),
  prepare(parts, options) {
    const { unet, vae } = parts;
    const facts = latentFacts(parts, SAMPLE_SIZE);
    const text = settleText(options, unet.config.crossAttentionDim);
    const { guidanceScale } = settleGuidance(options, 8.5, {});
    const shape = settleLatents(options, settleSize(options, facts), text.images, facts);
    const { originalInferenceSteps } = options;
    const plan = parts.scheduler.plan({ ...planOptions(options, 4), originalInferenceSteps });
    return {
      images: text.images,
      window: wholeRun(plan),
      decode: (latents) => vae.decode(latents),
      async *states({ random, sampling, signal, remoteStates, onWarning }) {
        const context = await textContext(parts, text, false, onWarning);
        const noise = plan.start(options.latents ?? random.normal(shape));
        const conditions = distilledGuidance(unet, guidanceScale, text.images);
        const { sample } = yield* denoise(unet, plan, noise, context, {
          conditions,
          random: sampling,
          signal,
          remoteStates,
        });
        return sample;
      },
    };
  },
});
export interface LatentConsistencyModelPipeline
  extends Pipeline<StableDiffusionComponents, LatentConsistencyModelOptions> {}

/** @throws LatentKitError unless the parts go together and the UNet is a distilled one; `other` is the pipeline for one that is not. */
export function checkDistilledFit(parts: StableDiffusionComponents, other: string): void {
  checkStableDiffusionFit(parts);
  if (parts.unet.config.timeCondProjDim !== undefined) return;
  const problem = "the unet does not take a guidance embedding (time_cond_proj_dim)";
  throw new LatentKitError("unsupported-model", `${problem}; use ${other} with an LCMScheduler`);
}
