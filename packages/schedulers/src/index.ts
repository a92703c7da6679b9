export type { ClippingOptions, ThresholdingOptions } from "./clipping.js";
export { type DDIMOptions, DDIMScheduler } from "./ddim.js";
export {
  type DPMSolverAlgorithm,
  type DPMSolverMultistepOptions,
  DPMSolverMultistepScheduler,
} from "./dpm-solver-multistep.js";
export { type EulerAncestralDiscreteOptions, EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.js";
export { type EulerDiscreteOptions, EulerDiscreteScheduler } from "./euler-discrete.js";
export { type HeunDiscreteOptions, HeunDiscreteScheduler } from "./heun-discrete.js";
export { type LCMOptions, LCMScheduler } from "./lcm.js";
export type { BetaSchedule, NoiseOptions, ZeroSnrOptions } from "./noise-schedule.js";
export { type PNDMOptions, PNDMScheduler } from "./pndm.js";
export type { PredictionType } from "./prediction.js";
export { restoreState, type SavedState, type SavedTensor, saveState } from "./saved-state.js";
export type { Plan, PlanOptions, SamplerState, Scheduler, SchedulerClass, SchedulerConfig } from "./scheduler.js";
export { type SchedulerName, schedulerClasses, schedulerFromConfig } from "./scheduler-from-config.js";
export type { SigmaScheduleOptions } from "./sigma-schedules.js";
export type { SolverOptions } from "./solver-levels.js";
export type { TimestepSpacing } from "./spacing.js";
export { stableDiffusionConfig } from "./stable-diffusion-config.js";
export { type UniPCMultistepOptions, UniPCMultistepScheduler } from "./unipc-multistep.js";
