import type { ControlOptions } from "./control-options.js";
import { type ControlParts, checkControlFit, controlnet } from "./control-parts.js";
import { settleControl } from "./control-request.js";
import { controlSteering } from "./control-steering.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import type { StableDiffusionXLImg2ImgComponents } from "./stable-diffusion-xl-img2img-parts.js";
import {
  type StableDiffusionXLImg2ImgOptions,
  StableDiffusionXLImg2ImgPipeline,
} from "./stable-diffusion-xl-img2img-pipeline.js";
import { settleXL } from "./stable-diffusion-xl-parts.js";
import { steeredRun } from "./steering.js";

/** The parts of SDXL, and what steers it. */
export interface StableDiffusionXLControlNetImg2ImgComponents
  extends StableDiffusionXLImg2ImgComponents,
    ControlParts {}

/** What to make of a picture with SDXL, and what steers it; `strength` and `controlnetConditioningScale` are 0.8 unless given. */
export interface StableDiffusionXLControlNetImg2ImgOptions extends StableDiffusionXLImg2ImgOptions, ControlOptions {}

/**
 * Image to image with SDXL, steered by pictures (Zhang et al. 2023; Diffusers' `StableDiffusionXLControlNetImg2ImgPipeline`).
 *
 * @example
 * ```ts
 * const controlnet = await ControlNetModel.fromPretrained("./controlnet-canny-sdxl-1.0");
 * const pipe = await StableDiffusionXLControlNetImg2ImgPipeline.fromPretrained("./stable-diffusion-xl-base-1.0", { controlnet });
 * const image = await loadImage("house.png");
 * const { images } = await pipe.generate({ prompt: "a house of gingerbread", image, controlImage: canny(image) });
 * await images[0].save("gingerbread.png");
 * await Promise.all([pipe.dispose(), controlnet.dispose()]);
 * ```
 */
export const StableDiffusionXLControlNetImg2ImgPipeline: PipelineClass<
  StableDiffusionXLControlNetImg2ImgComponents,
  StableDiffusionXLControlNetImg2ImgOptions,
  StableDiffusionXLControlNetImg2ImgPipeline
> = pipelineClass<StableDiffusionXLControlNetImg2ImgComponents, StableDiffusionXLControlNetImg2ImgOptions>({
  name: "StableDiffusionXLControlNetImg2ImgPipeline",
  components: { ...StableDiffusionXLImg2ImgPipeline.kind.components, controlnet },
  check(parts) {
    StableDiffusionXLImg2ImgPipeline.kind.check(parts);
    checkControlFit(parts.unet, parts.controlnet);
  },
  prepare(parts, options) {
    const { images } = settleXL(parts, options).text;
    const controls = settleControl(parts.controlnet, options, images, 0.8);
    // Diffusers' default here is another than without a ControlNet
    const given = { ...options, ...(options.denoisingStart === undefined && { strength: options.strength ?? 0.8 }) };
    return steeredRun(StableDiffusionXLImg2ImgPipeline.kind, parts, given, controlSteering(controls, images));
  },
});
export interface StableDiffusionXLControlNetImg2ImgPipeline
  extends Pipeline<StableDiffusionXLControlNetImg2ImgComponents, StableDiffusionXLControlNetImg2ImgOptions> {}
