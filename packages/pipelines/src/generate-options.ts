import type { HiresFixOptions } from "./hires-fix.js";
import type { QualityOptions } from "./quality.js";
import type { RunOptions } from "./run-options.js";
import type { GuidanceOptions, LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import type { TextOptions } from "./text-options.js";

/** What to draw, and how; Diffusers' call parameters with Diffusers' defaults. */
export interface GenerateOptions
  extends TextOptions,
    SizeOptions,
    ScheduleOptions,
    GuidanceOptions,
    QualityOptions,
    LatentsOptions,
    RunOptions {
  /** Draws the picture in two passes, the second one at a larger size. @default one pass */
  readonly hiresFix?: HiresFixOptions;
}
