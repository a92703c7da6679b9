import type { Tensor } from "@latentkit/core";
import type { RgbaImage } from "@latentkit/images";
import type { PreviewOptions } from "./preview.js";

/** A moment of a run, after one network call. */
export interface Step {
  /** Network calls done before this one: 0 at the first. */
  readonly index: number;
  /** Network calls in all; second-order samplers make about twice as many as there are steps. */
  readonly total: number;
  /** The timestep the network was called with. */
  readonly timestep: number;
  /** Noisy latents after the step, `[images, channels, height / 8, width / 8]`. */
  readonly latents: Tensor;
  /** The clean latents as predicted at this step, where the sampler tells. */
  readonly predOriginalSample?: Tensor;
  /**
   * The prediction as it is now: by the tiny autoencoder of the checkpoint, where it has one, else by a linear map that
   * costs nothing; `{ method: "vae" }` decodes it as the final picture will be.
   *
   * @throws RangeError for a method that there is none of.
   */
  preview(options?: PreviewOptions): Promise<RgbaImage[]>;
}
