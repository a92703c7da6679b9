import { denoise } from "./denoise.js";
import type { GenerateOptions } from "./generate-options.js";
import { settleHiresFix } from "./hires-fix.js";
import { type MicroConditioningOptions, timeIdRows, timeIds, warnOfLoneSizes } from "./micro-conditioning.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { graded, type QualityOptions } from "./quality.js";
import type { RunOptions } from "./run-options.js";
import { runWindow, type WindowOptions } from "./run-window.js";
import type { GuidanceOptions, LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import { latentFacts, planOptions, settleLatents, settleSize } from "./sampling-options.js";
import type { StableDiffusionXLComponents } from "./stable-diffusion-xl-parts.js";
import { checkXLFit, conditioningXL, settleXL, XL_SAMPLE_SIZE, xlComponents } from "./stable-diffusion-xl-parts.js";
import type { XLTextOptions } from "./text-options-xl.js";

/** What to draw with SDXL, and how; `guidanceScale` is 5 unless given. */
export interface StableDiffusionXLOptions
  extends XLTextOptions,
    SizeOptions,
    ScheduleOptions,
    GuidanceOptions,
    QualityOptions,
    LatentsOptions,
    MicroConditioningOptions,
    Pick<WindowOptions, "denoisingEnd">,
    Pick<GenerateOptions, "hiresFix">,
    RunOptions {}

/**
 * Text to image with SDXL, SDXL-Turbo and SDXL-Lightning (Podell et al. 2023; Diffusers' `StableDiffusionXLPipeline`).
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionXLPipeline.fromPretrained("./stable-diffusion-xl-base-1.0");
 * const { images } = await pipe.generate({ prompt: "a red apple", height: 768, width: 1024, seed: 42 });
 * await images[0].save("apple.png");
 * await pipe.dispose();
 * ```
 */
export const StableDiffusionXLPipeline: PipelineClass<
  StableDiffusionXLComponents,
  StableDiffusionXLOptions,
  StableDiffusionXLPipeline
> = pipelineClass({
  name: "StableDiffusionXLPipeline",
  components: xlComponents,
  check: (parts) => checkXLFit(parts, { ids: 6, remedy: "a refiner's UNet is for StableDiffusionXLImg2ImgPipeline" }),
  prepare: graded((parts, options) => {
    const { unet, vae, scheduler } = parts;
    const facts = latentFacts(parts, XL_SAMPLE_SIZE);
    const size = settleSize(options, facts);
    const request = settleXL(parts, options);
    const { images } = request.text;
    const shape = settleLatents(options, size, images, facts);
    const { denoisingEnd } = options;
    const plan = planOptions(options, 50);
    const window = runWindow(scheduler, plan, { denoisingEnd });
    if (denoisingEnd !== undefined && options.hiresFix)
      throw new TypeError("hiresFix: expected nothing beside denoisingEnd, which leaves noise for another pipeline");
    const second = settleHiresFix(options.hiresFix, { ...facts, vae, scheduler, size, request: plan });
    return {
      images,
      window: { timesteps: [...window.timesteps, ...(second?.window.timesteps ?? [])] },
      decode: (latents) => vae.decode(latents),
      async *states(tools) {
        const { random, sampling, signal, remoteStates, onWarning } = tools;
        warnOfLoneSizes(options, onWarning);
        const ids = timeIds(options, [size.height, size.width]);
        const { context, conditions } = await conditioningXL(parts, request, ids, onWarning);
        const noise = window.plan.start(options.latents ?? random.normal(shape));
        const run = { ...request.guidance, conditions, random: sampling, signal, remoteStates, until: window.end };
        const { sample } = yield* denoise(unet, window.plan, noise, context, run);
        if (!second) return sample;
        const from = await second.begin(sample, tools);
        const larger = timeIdRows(timeIds(options, [second.size.height, second.size.width]), images, request.isGuided);
        const again = { ...run, conditions: { ...conditions, timeIds: larger }, until: second.window.end };
        return (yield* denoise(unet, second.window.plan, from, context, again)).sample;
      },
    };
  }),
});
export interface StableDiffusionXLPipeline extends Pipeline<StableDiffusionXLComponents, StableDiffusionXLOptions> {}
