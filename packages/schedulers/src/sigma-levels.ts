import { type NoiseOptions, noiseFields } from "./noise-schedule.js";
import { type Fields, integer, oneOf, type Settings } from "./option-fields.js";
import type { PlanRequest } from "./plan-request.js";
import { type SigmaScheduleOptions, sigmaScheduleFields, sigmaScheduleOf, spacedSigmas } from "./sigma-schedules.js";
import type { LevelTable } from "./solver-levels.js";
import { spacedTimesteps, type TimestepSpacing, timestepSpacings } from "./spacing.js";
import type { TrainingLevels } from "./training-levels.js";

/** Options that the methods of k-diffusion share, which work on x₀ + σ ε. */
export interface SigmaOptions extends NoiseOptions, SigmaScheduleOptions {
  /** @default "linspace" */
  readonly timestepSpacing?: TimestepSpacing | undefined;
  /** Added to "leading" timesteps. @default 0 */
  readonly stepsOffset?: number | undefined;
}

/** Their fields, with the defaults of the second-order methods unless `noise` says otherwise. */
export function sigmaFields(noise: Fields<NoiseOptions> = noiseFields(0.00085, 0.012)): Fields<SigmaOptions> {
  return {
    ...noise,
    ...sigmaScheduleFields,
    timestepSpacing: oneOf("linspace", timestepSpacings),
    stepsOffset: integer(0),
  };
}

/** The visited levels: by spacing, or by a formula between the ends that spacing gives. Timesteps are rounded by `round`. */
export function sigmaLevels(
  settings: Settings<SigmaOptions>,
  levels: TrainingLevels,
  request: PlanRequest,
  round: (timestep: number) => number = Math.fround,
): LevelTable {
  const { numTrainTimesteps: trainSteps, stepsOffset, timestepSpacing } = settings;
  const { count } = request;
  const visited = request.timesteps ?? spacedTimesteps(timestepSpacing, { count, trainSteps, stepsOffset });
  const timesteps = visited.map(round);
  const spaced = timesteps.map(levels.sigma);
  const schedule = sigmaScheduleOf(settings);
  if (!schedule) return { timesteps, sigmas: spaced };
  const sigmas = spacedSigmas(schedule, spaced[0]!, spaced.at(-1)!, count);
  return { timesteps: sigmas.map((sigma) => levels.timestep(sigma)), sigmas };
}
