import type { ControlOptions } from "./control-options.js";
import { checkControlFit, controlnet } from "./control-parts.js";
import { settleControl } from "./control-request.js";
import { controlSteering } from "./control-steering.js";
import { paintedPart } from "./inpaint-canvas.js";
import type { StableDiffusionXLInpaintOptions } from "./inpaint-options.js";
import { settleInpaint } from "./inpaint-request.js";
import { once } from "./once.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { latentFacts } from "./sampling-options.js";
import type { StableDiffusionXLControlNetImg2ImgComponents } from "./stable-diffusion-xl-controlnet-img2img-pipeline.js";
import { StableDiffusionXLInpaintPipeline } from "./stable-diffusion-xl-inpaint-pipeline.js";
import { settleXL, XL_SAMPLE_SIZE } from "./stable-diffusion-xl-parts.js";
import { steeredRun } from "./steering.js";

/** What to paint into a picture with SDXL, and what steers it; `guidanceScale` is 5 unless given. */
export interface StableDiffusionXLControlNetInpaintOptions extends StableDiffusionXLInpaintOptions, ControlOptions {}

/**
 * Paints a part of a picture anew with SDXL, steered by pictures (Zhang et al. 2023; Diffusers' `StableDiffusionXLControlNetInpaintPipeline`).
 *
 * @example
 * ```ts
 * const controlnet = await ControlNetModel.fromPretrained("./controlnet-canny-sdxl-1.0");
 * const pipe = await StableDiffusionXLControlNetInpaintPipeline.fromPretrained("./stable-diffusion-xl-base-1.0", { controlnet });
 * const picture = { image: "./street.png", maskImage: "./car-mask.png", controlImage: canny(await loadImage("coach.png")) };
 * const { images } = await pipe.generate({ prompt: "a coach", ...picture, overlay: true });
 * await images[0].save("coach-in-street.png");
 * await Promise.all([pipe.dispose(), controlnet.dispose()]);
 * ```
 */
export const StableDiffusionXLControlNetInpaintPipeline: PipelineClass<
  StableDiffusionXLControlNetImg2ImgComponents,
  StableDiffusionXLControlNetInpaintOptions,
  StableDiffusionXLControlNetInpaintPipeline
> = pipelineClass<StableDiffusionXLControlNetImg2ImgComponents, StableDiffusionXLControlNetInpaintOptions>({
  name: "StableDiffusionXLControlNetInpaintPipeline",
  components: { ...StableDiffusionXLInpaintPipeline.kind.components, controlnet },
  check(parts) {
    StableDiffusionXLInpaintPipeline.kind.check(parts);
    checkControlFit(parts.unet, parts.controlnet);
  },
  prepare(parts, options) {
    const { images } = settleXL(parts, options).text;
    const request = settleInpaint(options, parts.vae, latentFacts(parts, XL_SAMPLE_SIZE), images);
    const part = once(() => paintedPart(request, parts.vae.scaleFactor));
    const controls = settleControl(parts.controlnet, options, images, 1, part);
    // Diffusers' default here is another than without a ControlNet
    const given = { ...options, ...(options.guidance === undefined && { guidanceScale: options.guidanceScale ?? 5 }) };
    return steeredRun(StableDiffusionXLInpaintPipeline.kind, parts, given, controlSteering(controls, images));
  },
});
export interface StableDiffusionXLControlNetInpaintPipeline
  extends Pipeline<StableDiffusionXLControlNetImg2ImgComponents, StableDiffusionXLControlNetInpaintOptions> {}
