import type { Plan, PlanOptions, Scheduler } from "@latentkit/schedulers";
import { timestepAt } from "./timestep-at.js";

/** The part of a plan that a run visits. */
export interface RunWindow {
  readonly plan: Plan;
  /** Index of the first step. */
  readonly begin: number;
  /** Index after the last step. */
  readonly end: number;
  /** What the network is called with in between. */
  readonly timesteps: readonly number[];
}

/** Which part of the noise levels a run visits. */
export interface WindowOptions {
  /** Share of the run's levels that is left to another pipeline's `denoisingStart`, as a fraction of the training timesteps from the noisiest, in (0, 1]. */
  readonly denoisingEnd?: number | undefined;
  /** Where another pipeline's `denoisingEnd` stopped, in (0, 1): the picture is taken as noisy as it then is. */
  readonly denoisingStart?: number | undefined;
  /** How much of a given picture to change, in (0, 1]: the share of the levels that is visited. */
  readonly strength?: number | undefined;
}

/** All of a plan. */
export const wholeRun = (plan: Plan): RunWindow => windowOf(plan, 0, plan.timesteps.length);

const windowOf = (plan: Plan, begin: number, end: number): RunWindow => ({
  plan,
  begin,
  end,
  timesteps: plan.timesteps.slice(begin, end),
});

/**
 * Plans a run, and cuts it as Diffusers' image-to-image and SDXL pipelines do.
 *
 * @throws RangeError for shares out of range, and when no step is left.
 */
export function runWindow(scheduler: Scheduler, request: PlanOptions, options: WindowOptions): RunWindow {
  checkWindow(options);
  const plan = scheduler.plan(request);
  const { denoisingStart, denoisingEnd, strength } = options;
  const whole = wholeRun(plan);
  const begin =
    denoisingStart === undefined
      ? beginByStrength(plan, levels(request, plan), strength ?? 1)
      : beginByTimestep(plan, cutoff(scheduler, denoisingStart));
  const end = denoisingEnd === undefined ? whole.end : endByTimestep(plan, cutoff(scheduler, denoisingEnd));
  if (begin < end) return windowOf(plan, begin, end);
  const asked = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  throw new RangeError(`numInferenceSteps: ${whole.end} leave no step for ${asked.join(", ")}; expected more`);
}

/** @throws RangeError for shares out of range. */
export function checkWindow({ denoisingStart, denoisingEnd, strength }: WindowOptions): void {
  if (denoisingEnd !== undefined && !(denoisingEnd > 0 && denoisingEnd <= 1))
    throw new RangeError(`denoisingEnd: expected a number above 0 and up to 1, got ${denoisingEnd}`);
  if (denoisingStart !== undefined && !(denoisingStart > 0 && denoisingStart < 1))
    throw new RangeError(`denoisingStart: expected a number above 0 and below 1, got ${denoisingStart}`);
  if (denoisingStart !== undefined && denoisingEnd !== undefined && denoisingStart >= denoisingEnd)
    throw new RangeError(`denoisingStart: expected less than denoisingEnd, ${denoisingEnd}, got ${denoisingStart}`);
  if (strength !== undefined && !(strength > 0 && strength <= 1))
    throw new RangeError(`strength: expected a number above 0 and up to 1, got ${strength}`);
}

/** Levels of a run as asked for; samplers may call the network more often. */
function levels({ numInferenceSteps, timesteps, sigmas }: PlanOptions, plan: Plan): number {
  return numInferenceSteps ?? timesteps?.length ?? (sigmas ? sigmas.length - 1 : plan.timesteps.length);
}

function beginByStrength({ order }: Plan, count: number, strength: number): number {
  return (count - Math.min(Math.floor(count * strength), count)) * order;
}

/** The training timestep at a share of the run. */
function cutoff({ config }: Scheduler, share: number): number {
  const { num_train_timesteps: total } = config;
  return timestepAt(share, typeof total === "number" ? total : undefined);
}

/** The first step below a timestep, moved back to the first call of its level. */
function beginByTimestep({ timesteps, order }: Plan, below: number): number {
  const count = timesteps.filter((timestep) => timestep < below).length;
  const isSecondCall = order === 2 && count % 2 === 0;
  return timesteps.length - (isSecondCall ? count + 1 : count);
}

function endByTimestep({ timesteps }: Plan, from: number): number {
  return timesteps.filter((timestep) => timestep >= from).length;
}
