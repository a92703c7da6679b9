import type { ImageInputs } from "./image-input.js";
import type { QualityOptions } from "./quality.js";
import type { RunOptions } from "./run-options.js";
import type { WindowOptions } from "./run-window.js";
import type { GuidanceOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import type { TextOptions } from "./text-options.js";

/** The picture of a run. */
export interface ImageOptions {
  /**
   * What to begin from: one picture for the run, or a list that is gone through in turn. Its size, cut to multiples of
   * 8, is the run's unless `height` and `width` are given; its alpha is dropped.
   */
  readonly image?: ImageInputs;
}

/** What to make of a picture, and how; Diffusers' call parameters with Diffusers' defaults. `strength` is 0.8 unless given. */
export interface Img2ImgOptions
  extends TextOptions,
    ImageOptions,
    SizeOptions,
    ScheduleOptions,
    GuidanceOptions,
    QualityOptions,
    Pick<WindowOptions, "strength">,
    RunOptions {}
