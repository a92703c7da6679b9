import type { ControlOptions } from "./control-options.js";
import { checkControlFit, controlnet } from "./control-parts.js";
import { settleControl } from "./control-request.js";
import { controlSteering } from "./control-steering.js";
import type { Img2ImgOptions } from "./img2img-options.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import type { StableDiffusionControlNetComponents } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { steeredRun } from "./steering.js";
import { settleText } from "./text-options.js";

/** What to make of a picture, and what steers it; `controlnetConditioningScale` is 0.8 unless given. */
export interface StableDiffusionControlNetImg2ImgOptions extends Img2ImgOptions, ControlOptions {}

/**
 * Image to image steered by pictures (Zhang et al. 2023; Diffusers' `StableDiffusionControlNetImg2ImgPipeline`).
 *
 * @example
 * ```ts
 * const controlnet = await ControlNetModel.fromPretrained("./sd-controlnet-canny");
 * const pipe = await StableDiffusionControlNetImg2ImgPipeline.fromPretrained("./stable-diffusion-v1-5", { controlnet });
 * const image = await loadImage("house.png");
 * const { images } = await pipe.generate({ prompt: "a house of gingerbread", image, controlImage: canny(image) });
 * await images[0].save("gingerbread.png");
 * await Promise.all([pipe.dispose(), controlnet.dispose()]);
 * ```
 */
export const StableDiffusionControlNetImg2ImgPipeline: PipelineClass<
  StableDiffusionControlNetComponents,
  StableDiffusionControlNetImg2ImgOptions,
  StableDiffusionControlNetImg2ImgPipeline
> = pipelineClass<StableDiffusionControlNetComponents, StableDiffusionControlNetImg2ImgOptions>({
  name: "StableDiffusionControlNetImg2ImgPipeline",
  components: { ...StableDiffusionImg2ImgPipeline.kind.components, controlnet },
  check(parts) {
    StableDiffusionImg2ImgPipeline.kind.check(parts);
    checkControlFit(parts.unet, parts.controlnet);
  },
  prepare(parts, options) {
    const { images } = settleText(options, parts.unet.config.crossAttentionDim);
    const controls = settleControl(parts.controlnet, options, images, 0.8);
    return steeredRun(StableDiffusionImg2ImgPipeline.kind, parts, options, controlSteering(controls, images));
  },
});
export interface StableDiffusionControlNetImg2ImgPipeline
  extends Pipeline<StableDiffusionControlNetComponents, StableDiffusionControlNetImg2ImgOptions> {}
