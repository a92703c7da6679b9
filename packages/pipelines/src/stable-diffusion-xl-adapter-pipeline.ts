import type { AdapterOptions } from "./adapter-options.js";
import { type AdapterParts, adapter, checkAdapterFit } from "./adapter-parts.js";
import { settleAdapters } from "./adapter-steering.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { sizedByControl } from "./sized-by-control.js";
import type { StableDiffusionXLComponents } from "./stable-diffusion-xl-parts.js";
import { settleXL } from "./stable-diffusion-xl-parts.js";
import { type StableDiffusionXLOptions, StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";
import { steeredRun } from "./steering.js";
import { withControlImage } from "./with-control-image.js";

/** The parts of SDXL, and what steers it. */
export interface StableDiffusionXLAdapterComponents extends StableDiffusionXLComponents, AdapterParts {}

/** What to draw with SDXL, and what steers it; without `height` and `width` the size is the steering picture's. */
export interface StableDiffusionXLAdapterOptions extends StableDiffusionXLOptions, AdapterOptions {}

/**
 * Text to image with SDXL, steered by pictures through small networks that are run once (Mou et al. 2023; Diffusers'
 * `StableDiffusionXLAdapterPipeline`).
 *
 * @example
 * ```ts
 * const adapter = await T2IAdapter.fromPretrained("./t2i-adapter-canny-sdxl-1.0");
 * const pipe = await StableDiffusionXLAdapterPipeline.fromPretrained("./stable-diffusion-xl-base-1.0", { adapter });
 * const controlImage = canny(await loadImage("house.png"));
 * const { images } = await pipe.generate({ prompt: "a house of gingerbread", controlImage, seed: 42 });
 * await images[0].save("gingerbread.png");
 * await Promise.all([pipe.dispose(), adapter.dispose()]);
 * ```
 */
export const StableDiffusionXLAdapterPipeline: PipelineClass<
  StableDiffusionXLAdapterComponents,
  StableDiffusionXLAdapterOptions,
  StableDiffusionXLAdapterPipeline
> = pipelineClass<StableDiffusionXLAdapterComponents, StableDiffusionXLAdapterOptions>({
  name: "StableDiffusionXLAdapterPipeline",
  components: { ...StableDiffusionXLPipeline.kind.components, adapter },
  check(parts) {
    StableDiffusionXLPipeline.kind.check(parts);
    checkAdapterFit(parts.unet, parts.adapter);
  },
  prepare(parts, options) {
    const { images } = settleXL(parts, options).text;
    const { scaleFactor } = parts.vae;
    const adapters = settleAdapters(parts.adapter, withControlImage(options), images, scaleFactor);
    const prepare = (sized: StableDiffusionXLAdapterOptions) =>
      steeredRun(StableDiffusionXLPipeline.kind, parts, sized, adapters.steering);
    return sizedByControl(options, adapters.images, parts.vae, prepare, adapters.multiple);
  },
});
export interface StableDiffusionXLAdapterPipeline
  extends Pipeline<StableDiffusionXLAdapterComponents, StableDiffusionXLAdapterOptions> {}
