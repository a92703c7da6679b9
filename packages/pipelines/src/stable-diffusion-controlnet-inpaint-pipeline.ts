import type { ControlOptions } from "./control-options.js";
import { checkControlFit, controlnet } from "./control-parts.js";
import { settleControl } from "./control-request.js";
import { controlSteering } from "./control-steering.js";
import { paintedPart } from "./inpaint-canvas.js";
import type { InpaintOptions } from "./inpaint-options.js";
import { settleInpaint } from "./inpaint-request.js";
import { once } from "./once.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { latentFacts } from "./sampling-options.js";
import type { StableDiffusionControlNetComponents } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { SAMPLE_SIZE } from "./stable-diffusion-parts.js";
import { steeredRun } from "./steering.js";
import { settleText } from "./text-options.js";

/** What to paint into a picture, and what steers it; `controlnetConditioningScale` is 0.5 unless given. */
export interface StableDiffusionControlNetInpaintOptions extends InpaintOptions, ControlOptions {}

/**
 * Paints a part of a picture anew, steered by pictures (Zhang et al. 2023; Diffusers' `StableDiffusionControlNetInpaintPipeline`).
 *
 * @example
 * ```ts
 * const controlnet = await ControlNetModel.fromPretrained("./sd-controlnet-canny");
 * const pipe = await StableDiffusionControlNetInpaintPipeline.fromPretrained("./stable-diffusion-v1-5", { controlnet });
 * const picture = { image: "./street.png", maskImage: "./car-mask.png", controlImage: canny(await loadImage("coach.png")) };
 * const { images } = await pipe.generate({ prompt: "a coach", ...picture, overlay: true });
 * await images[0].save("coach-in-street.png");
 * await Promise.all([pipe.dispose(), controlnet.dispose()]);
 * ```
 */
export const StableDiffusionControlNetInpaintPipeline: PipelineClass<
  StableDiffusionControlNetComponents,
  StableDiffusionControlNetInpaintOptions,
  StableDiffusionControlNetInpaintPipeline
> = pipelineClass<StableDiffusionControlNetComponents, StableDiffusionControlNetInpaintOptions>({
  name: "StableDiffusionControlNetInpaintPipeline",
  components: { ...StableDiffusionInpaintPipeline.kind.components, controlnet },
  check(parts) {
    StableDiffusionInpaintPipeline.kind.check(parts);
    checkControlFit(parts.unet, parts.controlnet);
  },
  prepare(parts, options) {
    const { images } = settleText(options, parts.unet.config.crossAttentionDim);
    const request = settleInpaint(options, parts.vae, latentFacts(parts, SAMPLE_SIZE), images);
    const part = once(() => paintedPart(request, parts.vae.scaleFactor));
    const controls = settleControl(parts.controlnet, options, images, 0.5, part);
    return steeredRun(StableDiffusionInpaintPipeline.kind, parts, options, controlSteering(controls, images));
  },
});
export interface StableDiffusionControlNetInpaintPipeline
  extends Pipeline<StableDiffusionControlNetComponents, StableDiffusionControlNetInpaintOptions> {}
