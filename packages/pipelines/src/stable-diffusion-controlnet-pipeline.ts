import type { ControlOptions } from "./control-options.js";
import { type ControlParts, checkControlFit, controlnet } from "./control-parts.js";
import { settleControl } from "./control-request.js";
import { controlSteering } from "./control-steering.js";
import type { GenerateOptions } from "./generate-options.js";
import type { ImageInputs } from "./image-input.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { sizedByControl } from "./sized-by-control.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { steeredRun } from "./steering.js";
import { settleText } from "./text-options.js";
import { withControlImage } from "./with-control-image.js";

/** The parts of Stable Diffusion, and what steers it. */
export interface StableDiffusionControlNetComponents extends StableDiffusionComponents, ControlParts {}

/** What to draw, and what steers it; without `height` and `width` the size is the steering picture's. */
export interface StableDiffusionControlNetOptions extends GenerateOptions, ControlOptions {
  /** Diffusers' name for `controlImage`. */
  readonly image?: ImageInputs | readonly ImageInputs[];
}

/**
 * Text to image steered by pictures: edges, depth, poses (Zhang et al. 2023; Diffusers' `StableDiffusionControlNetPipeline`).
 *
 * @example
 * ```ts
 * const controlnet = await ControlNetModel.fromPretrained("./sd-controlnet-canny");
 * const pipe = await StableDiffusionControlNetPipeline.fromPretrained("./stable-diffusion-v1-5", { controlnet });
 * const controlImage = canny(await loadImage("house.png"));
 * const { images } = await pipe.generate({ prompt: "a house of gingerbread", controlImage, seed: 42 });
 * await images[0].save("gingerbread.png");
 * await Promise.all([pipe.dispose(), controlnet.dispose()]);
 * ```
 */
export const StableDiffusionControlNetPipeline: PipelineClass<
  StableDiffusionControlNetComponents,
  StableDiffusionControlNetOptions,
  StableDiffusionControlNetPipeline
> = pipelineClass<StableDiffusionControlNetComponents, StableDiffusionControlNetOptions>({
  name: "StableDiffusionControlNetPipeline",
  components: { ...StableDiffusionPipeline.kind.components, controlnet },
  check(parts) {
    StableDiffusionPipeline.kind.check(parts);
    checkControlFit(parts.unet, parts.controlnet);
  },
  prepare(parts, options) {
    const { images } = settleText(options, parts.unet.config.crossAttentionDim);
    const controls = settleControl(parts.controlnet, withControlImage(options), images, 1);
    const steering = controlSteering(controls, images);
    return sizedByControl(options, controls[0]!.images, parts.vae, (sized) =>
      steeredRun(StableDiffusionPipeline.kind, parts, sized, steering),
    );
  },
});
export interface StableDiffusionControlNetPipeline
  extends Pipeline<StableDiffusionControlNetComponents, StableDiffusionControlNetOptions> {}
