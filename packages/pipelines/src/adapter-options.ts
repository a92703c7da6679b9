import type { ImageInputs } from "./image-input.js";

/** How T2I-Adapters steer a run. */
export interface AdapterOptions {
  /**
   * What steers: one picture, or as many as there are prompts or pictures. It is brought to the run's size. A tensor,
   * `[pictures, channels, height, width]`, is taken as it is, from 0 to 1. With several adapters a list with one entry for each.
   */
  readonly controlImage?: ImageInputs | readonly ImageInputs[];
  /** Diffusers' name for `controlImage`. */
  readonly image?: ImageInputs | readonly ImageInputs[];
  /** Multiplies what an adapter adds: one factor for all, or one for each. @default 1 */
  readonly adapterConditioningScale?: number | readonly number[];
  /** Share of the steps that are steered, from the first on, 0 to 1. @default 1 */
  readonly adapterConditioningFactor?: number;
}
