export {
  alphaBars,
  type NoiseOptions,
  noiseFields,
  trainingSigmas,
} from "./noise-schedule.js";
export { type Field, type Fields, flag, integer, oneOf, real, type Settings } from "./option-fields.js";
export { type Advance, planOf, type Sampler } from "./plan.js";
export { type PlanLimits, type PlanRequest, planRequest } from "./plan-request.js";
export { denoised, type Level, type PredictionType, predictedNoise } from "./prediction.js";
export { type Planner, schedulerClass } from "./scheduler-class.js";
export { unitVarianceScale } from "./sigma-space.js";
export { spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";
export { type TrainingLevels, trainingLevels } from "./training-levels.js";
