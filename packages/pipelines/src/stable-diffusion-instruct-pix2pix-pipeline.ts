import { concat, slice, zeros } from "@latentkit/core";
import { settleImage, unscaledLatents } from "./begin-from-image.js";
import { denoise } from "./denoise.js";
import type { ImageOptions } from "./img2img-options.js";
import { checkTensor } from "./option-checks.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import type { RunOptions } from "./run-options.js";
import { wholeRun } from "./run-window.js";
import type { GuidanceOptions, LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import { planOptions } from "./sampling-options.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { checkStableDiffusionFit, stableDiffusionComponents } from "./stable-diffusion-parts.js";
import { settleTextAndImage } from "./text-and-image.js";
import { textContext } from "./text-context.js";
import { settleText, type TextOptions } from "./text-options.js";
import { withChannels } from "./with-channels.js";

/** What to change in a picture; `numInferenceSteps` is 100 unless given. */
export interface InstructPix2PixOptions
  extends TextOptions,
    ImageOptions,
    SizeOptions,
    ScheduleOptions,
    Pick<GuidanceOptions, "guidanceScale" | "guidance">,
    LatentsOptions,
    RunOptions {
  /** How closely to follow the picture, 1 or more. @default 1.5 */
  readonly imageGuidanceScale?: number;
}

/**
 * Changes a picture as a text tells it to: "make it snowy" (Brooks et al. 2023; Diffusers'
 * `StableDiffusionInstructPix2PixPipeline`). The network sees the picture's latents beside the noisy ones.
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionInstructPix2PixPipeline.fromPretrained("./instruct-pix2pix");
 * const { images } = await pipe.generate({ prompt: "make the mountains snowy", image: "./mountains.png", seed: 42 });
 * await images[0].save("winter.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionInstructPix2PixPipeline: PipelineClass<
  StableDiffusionComponents,
  InstructPix2PixOptions,
  StableDiffusionInstructPix2PixPipeline
> = pipelineClass({
  name: "StableDiffusionInstructPix2PixPipeline",
  components: stableDiffusionComponents,
  check: (parts) => checkStableDiffusionFit(parts, [parts.vae.latentChannels]),
  prepare(parts, options) {
    const { unet, vae } = parts;
    const text = settleText(options, unet.config.crossAttentionDim);
    const guidance = settleTextAndImage(options);
    const isGuided = guidance !== undefined;
    const image = settleImage(options, vae, text.images);
    const plan = parts.scheduler.plan(planOptions(options, 100));
    return {
      images: text.images,
      window: wholeRun(plan),
      decode: (latents) => vae.decode(latents),
      async *states({ random, sampling, signal, onWarning }) {
        const context = await textContext(parts, text, isGuided, onWarning);
        const picture = await unscaledLatents(vae, image);
        if (options.latents) checkTensor(options.latents, picture.shape.join(" "), "latents");
        const from = plan.start(options.latents ?? random.normal(picture.shape));
        // neither text nor picture, the picture alone, both
        const texts = isGuided ? concat([slice(context, 0, text.images), context]) : context;
        const seen = isGuided ? concat([zeros(picture.shape), picture, picture]) : picture;
        const run = { guidance, random: sampling, signal };
        const { sample } = yield* denoise(withChannels(unet, seen), plan, from, texts, run);
        return sample;
      },
    };
  },
});
export interface StableDiffusionInstructPix2PixPipeline
  extends Pipeline<StableDiffusionComponents, InstructPix2PixOptions> {}
