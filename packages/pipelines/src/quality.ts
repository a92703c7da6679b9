import { openScheduler, type Scheduler, type SchedulerConfig, withSettings } from "@latentkit/schedulers";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { DeepCacheOptions, ReuseOptions } from "./deep-cache.js";
import { checkOneOf } from "./option-checks.js";
import type { ScheduleOptions } from "./sampling-options.js";
import { type Ready, whenReady } from "./when-ready.js";

/** How much work a picture is worth. */
export type Quality = "draft" | "normal" | "best";

/** A choice of sampler, steps and shortcuts by one word. */
export interface QualityOptions {
  /**
   * `"draft"`: DPM++ 2M Karras in 16 steps, every second one with `deepCache` where the network can be cut. `"best"`: DPM++ 2M
   * Karras in 100 steps. `"normal"`: what the pipeline does otherwise. Options that are given beside it stand. @default "normal"
   */
  readonly quality?: Quality;
}

/** What a grade replaces. */
interface Grade {
  readonly numInferenceSteps: number;
  readonly deepCache?: DeepCacheOptions;
}

const grades: Readonly<Record<Exclude<Quality, "normal">, Grade>> = {
  // guidance in an interval costs more of the likeness than it saves here: see docs/performance.md
  draft: { numInferenceSteps: 16, deepCache: { interval: 2 } },
  best: { numInferenceSteps: 100 },
};

/** What `schedulerByName("DPM++ 2M Karras", …)` sets, without all other samplers in a page's bundle. */
const dpmKarras: SchedulerConfig = {
  _class_name: "DPMSolverMultistepScheduler",
  use_karras_sigmas: true,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  algorithm_type: "dpmsolver++",
  solver_order: 2,
  solver_type: "midpoint",
  timestep_spacing: "linspace",
};

/** Samplers of networks that were distilled to few steps, or learned another noise: no other takes their place. */
const ownSamplers = ["LCM", "TCD", "CMStochasticIterative", "FlowMatch", "EDM"];

interface GradedParts {
  readonly unet: ConditionalUNet;
  readonly scheduler: Scheduler;
}

type GradedOptions = QualityOptions & ScheduleOptions & ReuseOptions;

/**
 * Prepares runs with what their `quality` stands for, as far as the caller did not say otherwise: later where its sampler
 * has to be loaded. It throws RangeError for a quality that there is none of, TypeError for networks of few steps, which
 * have one quality.
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionPipeline.fromPretrained();
 * const told = graded(({ scheduler }, { numInferenceSteps }) => [scheduler.name, numInferenceSteps]);
 * await told(pipe.components, { quality: "draft" }); // ["DPMSolverMultistepScheduler", 16]
 * ```
 */
export function graded<Parts extends GradedParts, Options extends GradedOptions, Run>(
  prepare: (parts: Parts, options: Options) => Run,
): (parts: Parts, options: Options) => Ready<Run> {
  return (parts, options) => {
    const { quality = "normal" } = options;
    checkOneOf("quality", quality, ["normal", ...Object.keys(grades)]);
    if (quality === "normal") return prepare(parts, options);
    checkGradable(parts, quality);
    const grade = grades[quality];
    const all = { ...options, ...steps(options, grade), ...reuse(parts, options, grade) };
    return whenReady(sampler(parts, options), (scheduler) => prepare({ ...parts, scheduler }, all));
  };
}

function checkGradable({ unet, scheduler }: GradedParts, quality: Quality): void {
  const { _class_name: name, timestep_spacing: spacing } = scheduler.config;
  const isOwn = typeof name === "string" && ownSamplers.some((own) => name.startsWith(own));
  // Turbo models visit the last timestep of each stretch
  if (unet.config.timeCondProjDim === undefined && !isOwn && spacing !== "trailing") return;
  throw new TypeError(
    `quality: expected "normal" for a network of few steps (${String(name)}, timestep_spacing ${String(spacing)}), got "${quality}"`,
  );
}

/** Levels that are listed were chosen for the sampler that there is. */
const isListed = ({ timesteps, sigmas }: ScheduleOptions): boolean => timesteps !== undefined || sigmas !== undefined;

function sampler({ scheduler }: GradedParts, options: ScheduleOptions): Ready<Scheduler> {
  return isListed(options) ? scheduler : openScheduler(withSettings(scheduler.config, dpmKarras));
}

function steps(options: ScheduleOptions, { numInferenceSteps }: Grade) {
  return isListed(options) || options.numInferenceSteps !== undefined ? {} : { numInferenceSteps };
}

function reuse({ unet }: GradedParts, options: ReuseOptions, { deepCache }: Grade) {
  return "deepCache" in options || !deepCache || !unet.split ? {} : { deepCache };
}
