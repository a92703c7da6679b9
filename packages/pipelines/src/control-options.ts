import type { ImageInputs } from "./image-input.js";

/** How ControlNets steer a run. With several of them, each option takes one value for all or a list with one for each. */
export interface ControlOptions {
  /**
   * What steers: one picture, or as many as there are prompts or pictures. It is brought to the run's size. A tensor,
   * `[pictures, 3, height, width]`, is taken as it is, from 0 to 1. With several ControlNets a list with one entry for each.
   */
  readonly controlImage?: ImageInputs | readonly ImageInputs[];
  /** Multiplies what a ControlNet adds. @default 1, of image to image 0.8, of inpainting without SDXL 0.5 */
  readonly controlnetConditioningScale?: number | readonly number[];
  /** Share of the steps after which it begins to steer, 0 to 1. @default 0 */
  readonly controlGuidanceStart?: number | readonly number[];
  /** Share of the steps after which it ends, 0 to 1. @default 1 */
  readonly controlGuidanceEnd?: number | readonly number[];
  /** Steers the prompts' half only, and finer states less, so that the picture suffices without a prompt. @default false */
  readonly guessMode?: boolean;
}
