import type { ControlOptions } from "./control-options.js";
import { type ControlParts, checkControlFit, controlnet } from "./control-parts.js";
import { settleControl } from "./control-request.js";
import { controlSteering } from "./control-steering.js";
import type { ImageInputs } from "./image-input.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { sizedByControl } from "./sized-by-control.js";
import type { StableDiffusionXLComponents } from "./stable-diffusion-xl-parts.js";
import { settleXL } from "./stable-diffusion-xl-parts.js";
import { type StableDiffusionXLOptions, StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";
import { steeredRun } from "./steering.js";
import { withControlImage } from "./with-control-image.js";

/** The parts of SDXL, and what steers it. */
export interface StableDiffusionXLControlNetComponents extends StableDiffusionXLComponents, ControlParts {}

/** What to draw with SDXL, and what steers it; without `height` and `width` the size is the steering picture's. */
export interface StableDiffusionXLControlNetOptions extends StableDiffusionXLOptions, ControlOptions {
  /** Diffusers' name for `controlImage`. */
  readonly image?: ImageInputs | readonly ImageInputs[];
}

/**
 * Text to image with SDXL, steered by pictures (Zhang et al. 2023; Diffusers' `StableDiffusionXLControlNetPipeline`).
 *
 * @example
 * ```ts
 * const controlnet = await ControlNetModel.fromPretrained("./controlnet-canny-sdxl-1.0");
 * const pipe = await StableDiffusionXLControlNetPipeline.fromPretrained("./stable-diffusion-xl-base-1.0", { controlnet });
 * const controlImage = canny(await loadImage("house.png"));
 * const { images } = await pipe.generate({ prompt: "a house of gingerbread", controlImage, seed: 42 });
 * await images[0].save("gingerbread.png");
 * await Promise.all([pipe.dispose(), controlnet.dispose()]);
 * ```
 */
export const StableDiffusionXLControlNetPipeline: PipelineClass<
  StableDiffusionXLControlNetComponents,
  StableDiffusionXLControlNetOptions,
  StableDiffusionXLControlNetPipeline
> = pipelineClass<StableDiffusionXLControlNetComponents, StableDiffusionXLControlNetOptions>({
  name: "StableDiffusionXLControlNetPipeline",
  components: { ...StableDiffusionXLPipeline.kind.components, controlnet },
  check(parts) {
    StableDiffusionXLPipeline.kind.check(parts);
    checkControlFit(parts.unet, parts.controlnet);
  },
  prepare(parts, options) {
    const { images } = settleXL(parts, options).text;
    const controls = settleControl(parts.controlnet, withControlImage(options), images, 1);
    const steering = controlSteering(controls, images);
    return sizedByControl(options, controls[0]!.images, parts.vae, (sized) =>
      steeredRun(StableDiffusionXLPipeline.kind, parts, sized, steering),
    );
  },
});
export interface StableDiffusionXLControlNetPipeline
  extends Pipeline<StableDiffusionXLControlNetComponents, StableDiffusionXLControlNetOptions> {}
