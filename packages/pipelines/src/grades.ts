import type { SchedulerConfig } from "@latentkit/schedulers";
import type { DeepCacheOptions } from "./deep-cache-options.js";
import type { GradedOptions, GradedParts, Grading } from "./quality.js";
import type { ScheduleOptions } from "./sampling-options.js";

/** What a quality stands for. */
interface Grade {
  readonly numInferenceSteps: number;
  readonly deepCache?: DeepCacheOptions;
}

/** What of it a run takes. */
export interface GradedSettings extends Partial<Grade> {
  /** Settings of the sampler. */
  readonly sampler?: SchedulerConfig;
}

const grades: Readonly<Record<Grading, Grade>> = {
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

/**
 * What a quality stands for, as far as the caller did not say otherwise and the network can do it.
 *
 * @throws TypeError for networks of few steps, which have one quality.
 */
export function gradeOf(parts: GradedParts, options: GradedOptions, quality: Grading): GradedSettings {
  checkGradable(parts, quality);
  const { numInferenceSteps, deepCache } = grades[quality];
  const isReusable = !("deepCache" in options) && parts.unet.split;
  return {
    ...(!isListed(options) && {
      sampler: dpmKarras,
      numInferenceSteps: options.numInferenceSteps ?? numInferenceSteps,
    }),
    ...(deepCache && isReusable && { deepCache }),
  };
}

function checkGradable({ unet, scheduler }: GradedParts, quality: Grading): void {
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
