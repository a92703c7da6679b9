import type { AdapterOptions } from "./adapter-options.js";
import { type AdapterParts, adapter, checkAdapterFit } from "./adapter-parts.js";
import { settleAdapters } from "./adapter-steering.js";
import type { GenerateOptions } from "./generate-options.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { sizedByControl } from "./sized-by-control.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { steeredRun } from "./steering.js";
import { settleText } from "./text-options.js";
import { withControlImage } from "./with-control-image.js";

/** The parts of Stable Diffusion, and what steers it. */
export interface StableDiffusionAdapterComponents extends StableDiffusionComponents, AdapterParts {}

/** What to draw, and what steers it; without `height` and `width` the size is the steering picture's. */
export interface StableDiffusionAdapterOptions extends GenerateOptions, AdapterOptions {}

/**
 * Text to image steered by pictures through small networks that are run once (Mou et al. 2023; Diffusers'
 * `StableDiffusionAdapterPipeline`).
 *
 * @example
 * ```ts
 * const adapter = await T2IAdapter.fromPretrained("./t2iadapter_canny_sd15v2");
 * const pipe = await StableDiffusionAdapterPipeline.fromPretrained("./stable-diffusion-v1-5", { adapter });
 * const controlImage = canny(await loadImage("house.png"));
 * const { images } = await pipe.generate({ prompt: "a house of gingerbread", controlImage, seed: 42 });
 * await images[0].save("gingerbread.png");
 * await Promise.all([pipe.dispose(), adapter.dispose()]);
 * ```
 */
export const StableDiffusionAdapterPipeline: PipelineClass<
  StableDiffusionAdapterComponents,
  StableDiffusionAdapterOptions,
  StableDiffusionAdapterPipeline
> = pipelineClass<StableDiffusionAdapterComponents, StableDiffusionAdapterOptions>({
  name: "StableDiffusionAdapterPipeline",
  components: { ...StableDiffusionPipeline.kind.components, adapter },
  check(parts) {
    StableDiffusionPipeline.kind.check(parts);
    checkAdapterFit(parts.unet, parts.adapter);
  },
  prepare(parts, options) {
    const { images } = settleText(options, parts.unet.config.crossAttentionDim);
    const { scaleFactor } = parts.vae;
    const adapters = settleAdapters(parts.adapter, withControlImage(options), images, scaleFactor);
    const prepare = (sized: StableDiffusionAdapterOptions) =>
      steeredRun(StableDiffusionPipeline.kind, parts, sized, adapters.steering);
    return sizedByControl(options, adapters.images, parts.vae, prepare, adapters.multiple);
  },
});
export interface StableDiffusionAdapterPipeline
  extends Pipeline<StableDiffusionAdapterComponents, StableDiffusionAdapterOptions> {}
