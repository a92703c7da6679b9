import { repeatInterleave, type Tensor, tensor } from "@latentkit/core";
import type { UNet2DModel } from "@latentkit/models";
import type { Scheduler } from "@latentkit/schedulers";
import { scheduler, unet2d } from "./component-loaders.js";
import { checkCount } from "./option-checks.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { reverseProcess } from "./reverse-process.js";
import type { RunOptions } from "./run-options.js";
import { wholeRun } from "./run-window.js";
import { planOptions, type ScheduleOptions } from "./sampling-options.js";

/** The parts of an unconditional pipeline: its network works on pixels. */
export interface DDPMComponents {
  readonly unet: UNet2DModel;
  readonly scheduler: Scheduler;
}

/** How many pictures to draw; `numInferenceSteps` is 1000 unless given. */
export interface DDPMPipelineOptions extends ScheduleOptions, RunOptions {
  /** @default 1 */
  readonly batchSize?: number;
  /** What to draw, for networks trained on classes: one label for all, or one per picture. */
  readonly classLabels?: readonly number[];
}

/** Side of the pictures where a UNet's configuration does not say. */
const SAMPLE_SIZE = 32;

/**
 * Pictures of what a network was trained on, from noise alone (Ho et al. 2020, algorithm 2; Diffusers' `DDPMPipeline`).
 * Its latents are the pictures.
 *
 * @example
 * ```ts
 * const pipe = await DDPMPipeline.fromPretrained("./ddpm-cat-256");
 * const { images } = await pipe.generate({ batchSize: 2, seed: 42 });
 * await images[0].save("cat.png");
 * await pipe.dispose();
 * ```
 */
export const DDPMPipeline: PipelineClass<DDPMComponents, DDPMPipelineOptions, DDPMPipeline> = pipelineClass({
  name: "DDPMPipeline",
  components: { scheduler: scheduler(), unet: unet2d },
  check: () => {},
  prepare({ unet, scheduler }, options) {
    const { batchSize = 1, classLabels } = options;
    checkCount("batchSize", batchSize);
    const { inChannels, sampleSize = [SAMPLE_SIZE, SAMPLE_SIZE] } = unet.config;
    const plan = scheduler.plan(planOptions(options, 1000));
    const predict = (sample: Tensor, timestep: number) =>
      unet.predict(sample, timestep, { ...(classLabels && { classLabels }) });
    return {
      images: batchSize,
      window: wholeRun(plan),
      decode: async (pictures) => inColour(pictures),
      async *states({ random, sampling, signal }) {
        const noise = plan.start(random.normal([batchSize, inChannels, ...sampleSize]));
        const { sample } = yield* reverseProcess(plan, noise, predict, { random: sampling, signal });
        return sample;
      },
    };
  },
});
export interface DDPMPipeline extends Pipeline<DDPMComponents, DDPMPipelineOptions> {}

/** Grey pictures as colour ones: `[B, 1, H, W]` → `[B, 3, H, W]`. */
function inColour(pictures: Tensor): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = pictures.shape;
  if (channels !== 1) return pictures;
  const planes = tensor(pictures.data, [batch, height * width]);
  return tensor(repeatInterleave(planes, 3).data, [batch, 3, height, width]);
}
