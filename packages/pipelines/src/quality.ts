import { DPMSolverMultistepScheduler, type Scheduler, type SchedulerConfig } from "@latentkit/schedulers";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { DeepCacheOptions } from "./deep-cache.js";
import { rescaled } from "./guidance.js";
import { interval } from "./interval.js";
import { checkOneOf } from "./option-checks.js";
import type { GuidanceOptions, ScheduleOptions } from "./sampling-options.js";

/** How much work a picture is worth. */
export type Quality = "draft" | "normal" | "best";

/** A choice of sampler, steps and shortcuts by one word. */
export interface QualityOptions {
  /**
   * `"draft"`: DPM++ 2M Karras in 15 steps, half of them with `deepCache` where the network can be cut, and guidance in the
   * first 90 % of the noise levels. `"best"`: DPM++ 2M Karras in 100 steps. `"normal"`: what the pipeline does otherwise. Options
   * that are given beside it stand. @default "normal"
   */
  readonly quality?: Quality;
}

/** What a grade replaces. */
interface Grade {
  readonly numInferenceSteps: number;
  readonly deepCache?: DeepCacheOptions;
  /** Share of the noise levels after which guidance ends. */
  readonly guidedUntil?: number;
}

const grades: Readonly<Record<Exclude<Quality, "normal">, Grade>> = {
  draft: {
    numInferenceSteps: 15,
    deepCache: { interval: 2, nonUniform: { center: 5, power: 1.4 } },
    guidedUntil: 0.9,
  },
  best: { numInferenceSteps: 100 },
};

/** What `schedulerByName("DPM++ 2M Karras", …)` sets, without all other samplers in a page's bundle. */
const dpmKarras: SchedulerConfig = {
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

type GradedOptions = QualityOptions & ScheduleOptions & GuidanceOptions;

/**
 * The parts and options of a run with what its `quality` stands for, as far as the caller did not say otherwise.
 *
 * @param guidanceScale the pipeline's own.
 * @throws RangeError for a quality that there is none of; TypeError for networks of few steps, which have one quality.
 */
export function graded<Parts extends GradedParts, Options extends GradedOptions>(
  parts: Parts,
  options: Options,
  guidanceScale: number,
): readonly [Parts, Options] {
  const { quality = "normal" } = options;
  checkOneOf("quality", quality, ["normal", ...Object.keys(grades)]);
  if (quality === "normal") return [parts, options];
  checkGradable(parts, quality);
  const grade = grades[quality];
  return [
    { ...parts, scheduler: sampler(parts, options) },
    { ...options, ...steps(options, grade), ...shortcuts(parts, options, grade, guidanceScale) },
  ];
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

function sampler({ scheduler }: GradedParts, options: ScheduleOptions): Scheduler {
  if (isListed(options)) return scheduler;
  const { _use_default_values: defaulted } = scheduler.config;
  // a value that is set is no default any more, which another class would not take over
  const left = Array.isArray(defaulted) ? defaulted.filter((key) => !(key in dpmKarras)) : [];
  return DPMSolverMultistepScheduler.fromConfig({ ...scheduler.config, ...dpmKarras, _use_default_values: left });
}

function steps(options: ScheduleOptions, { numInferenceSteps }: Grade) {
  return isListed(options) || options.numInferenceSteps !== undefined ? {} : { numInferenceSteps };
}

function shortcuts(
  { unet }: GradedParts,
  options: GuidanceOptions,
  { deepCache, guidedUntil }: Grade,
  defaultScale: number,
) {
  const reuse = "deepCache" in options || !deepCache || !unet.split ? {} : { deepCache };
  const { guidance, guidanceScale = defaultScale, guidanceRescale = 0 } = options;
  if (guidedUntil === undefined || guidance !== undefined || guidanceScale <= 1) return reuse;
  const limited = interval(rescaled(guidanceScale, guidanceRescale), 0, guidedUntil);
  return { ...reuse, guidance: limited, guidanceScale: undefined, guidanceRescale: undefined };
}
