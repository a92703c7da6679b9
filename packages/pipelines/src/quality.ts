import { openScheduler, type Scheduler, withSettings } from "@latentkit/schedulers";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { ReuseOptions } from "./deep-cache-options.js";
import { checkOneOf } from "./option-checks.js";
import type { ScheduleOptions } from "./sampling-options.js";
import { type Ready, whenReady } from "./when-ready.js";

/** How much work a picture is worth. */
export type Quality = "draft" | "normal" | "best";

/** One that is not what the pipeline does otherwise. */
export type Grading = Exclude<Quality, "normal">;

/** A choice of sampler, steps and shortcuts by one word. */
export interface QualityOptions {
  /**
   * `"draft"`: DPM++ 2M Karras in 16 steps, every second one with `deepCache` where the network can be cut. `"best"`: DPM++ 2M
   * Karras in 100 steps. `"normal"`: what the pipeline does otherwise. Options that are given beside it stand. @default "normal"
   */
  readonly quality?: Quality;
}

/** What a quality is chosen for. */
export interface GradedParts {
  readonly unet: ConditionalUNet;
  readonly scheduler: Scheduler;
}

/** What it stands for, and what stands beside it. */
export type GradedOptions = QualityOptions & ScheduleOptions & ReuseOptions;

const QUALITIES: readonly Quality[] = ["normal", "draft", "best"];

/**
 * Prepares runs with what their `quality` stands for, as far as the caller did not say otherwise: later where its sampler
 * has to be loaded. It throws RangeError for a quality that there is none of; networks of few steps, which have
 * one quality, are refused with TypeError once it is loaded.
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionPipeline.fromPretrained();
 * const told = graded(({ scheduler }, { numInferenceSteps }) => [scheduler.name, numInferenceSteps]);
 * await told(pipe.components, { quality: "draft" }); // ["DPMSolverMultistepScheduler", 16]
 * ```
 */
export function graded<Parts extends GradedParts, Options extends GradedOptions, Run>(
  prepare: (parts: Parts, options: Options) => Ready<Run>,
): (parts: Parts, options: Options) => Ready<Run> {
  return (parts, options) => {
    const { quality = "normal" } = options;
    checkOneOf("quality", quality, QUALITIES);
    if (quality === "normal") return prepare(parts, options);
    return whenReady(atGrade(parts, options, quality), (own) => prepare(own.parts, own.options));
  };
}

async function atGrade<Parts extends GradedParts, Options extends GradedOptions>(
  parts: Parts,
  options: Options,
  quality: Grading,
): Promise<{ readonly parts: Parts; readonly options: Options }> {
  const { gradeOf } = await import("./grades.js");
  const { sampler, ...settings } = gradeOf(parts, options, quality);
  const { config } = parts.scheduler;
  const scheduler = sampler ? await openScheduler(withSettings(config, sampler)) : parts.scheduler;
  return { parts: { ...parts, scheduler }, options: { ...options, ...settings } };
}
