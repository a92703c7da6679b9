import { weightedSum } from "@latentkit/core";
import { flowLevel, trainedFlowSigmas } from "./flow-match-sigmas.js";
import { type Fields, flag, integer, nullable, oneOf, positive, real, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { type PlanRequest, planRequest } from "./plan-request.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import {
  type SigmaScheduleOptions,
  shiftedSigma,
  sigmaScheduleFields,
  sigmaScheduleOf,
  spacedSigmas,
} from "./sigma-schedules.js";

/** Options of `FlowMatchEulerDiscreteScheduler`, with the defaults of Diffusers. */
export interface FlowMatchEulerDiscreteOptions extends SigmaScheduleOptions {
  /** Factor from σ to timestep. @default 1000 */
  readonly numTrainTimesteps?: number | undefined;
  /** Shift of the levels towards noise. @default 1 */
  readonly shift?: number | undefined;
  /** Takes the shift from `mu` of the run instead. @default false */
  readonly useDynamicShifting?: boolean | undefined;
  /** For pipelines: `mu` at `baseImageSeqLen`. @default 0.5 */
  readonly baseShift?: number | null | undefined;
  /** For pipelines: `mu` at `maxImageSeqLen`. @default 1.15 */
  readonly maxShift?: number | null | undefined;
  /** For pipelines, see `baseShift`. @default 256 */
  readonly baseImageSeqLen?: number | undefined;
  /** For pipelines, see `maxShift`. @default 4096 */
  readonly maxImageSeqLen?: number | undefined;
  /** Levels count from noise to sample, 0 to 1, as in Mochi. @default false */
  readonly invertSigmas?: boolean | undefined;
  /** Stretches the levels so that the last visited one is this. @default null */
  readonly shiftTerminal?: number | null | undefined;
  /** Whether `mu` is the logarithm of the shift or the shift itself. @default "exponential" */
  readonly timeShiftType?: "exponential" | "linear" | undefined;
  /** Each step goes to the predicted sample and back with fresh noise. @default false */
  readonly stochasticSampling?: boolean | undefined;
}

const fields: Fields<FlowMatchEulerDiscreteOptions> = {
  numTrainTimesteps: integer(1000, 1),
  shift: positive(1),
  useDynamicShifting: flag(false),
  baseShift: { ...nullable(real(0)), initial: 0.5 },
  maxShift: { ...nullable(real(0)), initial: 1.15 },
  baseImageSeqLen: integer(256, 1),
  maxImageSeqLen: integer(4096, 1),
  invertSigmas: flag(false),
  shiftTerminal: nullable(real(0, 0, 1)),
  ...sigmaScheduleFields,
  timeShiftType: oneOf("exponential", ["exponential", "linear"]),
  stochasticSampling: flag(false),
};

const name = "FlowMatchEulerDiscreteScheduler";

type FlowSettings = Settings<FlowMatchEulerDiscreteOptions>;

/**
 * Euler's method on a rectified flow (Liu et al. 2023, algorithm 1; shift of levels: Esser et al. 2024, equation 23),
 * Diffusers' `FlowMatchEulerDiscreteScheduler`: the network returns ε − x₀. `timesteps` and `sigmas` of a run are
 * taken before shifting, and without the last level, which is added. Draws noise only for `stochasticSampling`.
 *
 * @example
 * ```ts
 * const scheduler = new FlowMatchEulerDiscreteScheduler({ useDynamicShifting: true });
 * const plan = scheduler.plan({ sigmas: [1, 0.75, 0.5, 0.25], mu: 1.1 });
 * plan.timesteps; // [1000, 900.1248168945312, 750.2601318359375, 500.3469543457031]
 * ```
 */
export const FlowMatchEulerDiscreteScheduler: SchedulerClass<FlowMatchEulerDiscreteOptions> = schedulerClass(
  name,
  fields,
  (settings) => {
    sigmaScheduleOf(settings);
    if (settings.invertSigmas && settings.stochasticSampling) {
      throw new RangeError("stochasticSampling: with invertSigmas its steps would lead back to noise");
    }
    return (options) => {
      const { numTrainTimesteps } = settings;
      const request = planRequest(options, { name, numTrainTimesteps, lists: ["timesteps", "sigmas"], flow: true });
      return planOf(sampler(settings, levelsOf(settings, request, options.mu)), request);
    };
  },
);
export type FlowMatchEulerDiscreteScheduler = Scheduler;

/** The visited σ. */
function levelsOf(settings: FlowSettings, request: PlanRequest, mu: number | undefined): readonly number[] {
  const { numTrainTimesteps: trainSteps, useDynamicShifting, shift, shiftTerminal } = settings;
  const given = request.sigmas ?? request.timesteps?.map((timestep) => Math.fround(timestep) / trainSteps);
  // numpy works in float32 on lists that were given
  const round = given ? Math.fround : (value: number): number => value;
  const start = given?.map(round) ?? trainedFlowSigmas(trainSteps, useDynamicShifting ? 1 : shift, request.count);
  const shifted = useDynamicShifting
    ? start.map(dynamicShift(settings, mu, round))
    : start.map((sigma) => shiftedSigma(sigma, shift, round));
  const sigmas = shiftTerminal ? stretched(shifted, shiftTerminal, round) : shifted;
  const schedule = sigmaScheduleOf(settings);
  const visited = schedule ? spacedSigmas(schedule, sigmas[0]!, sigmas.at(-1)!, sigmas.length) : sigmas;
  return visited.map(Math.fround);
}

/** σ ↦ s / (s + 1 / σ − 1), where s is `mu` or its exponential. */
function dynamicShift(
  { timeShiftType }: FlowSettings,
  mu: number | undefined,
  round: (value: number) => number,
): (sigma: number) => number {
  if (mu === undefined) throw new TypeError("mu: useDynamicShifting needs it, the shift of this run; got undefined");
  const factor = round(timeShiftType === "exponential" ? Math.exp(mu) : mu);
  if (factor > 0 && factor < Infinity) return (sigma) => round(factor / round(factor + round(round(1 / sigma) - 1)));
  throw new RangeError(
    timeShiftType === "exponential"
      ? `mu: expected the logarithm of a shift, got ${mu}`
      : `mu: expected a finite number above 0, got ${mu}`,
  );
}

/** Levels scaled from 1 so that the last one is `terminal`. */
function stretched(sigmas: readonly number[], terminal: number, round: (value: number) => number): readonly number[] {
  const last = round(1 - sigmas.at(-1)!);
  if (last === 0) throw new RangeError("shiftTerminal: a run that ends at the highest level cannot be stretched");
  const scale = round(last / (1 - terminal));
  return sigmas.map((sigma) => round(1 - round(round(1 - sigma) / scale)));
}

function sampler(
  { numTrainTimesteps, invertSigmas, stochasticSampling }: FlowSettings,
  visited: readonly number[],
): Sampler {
  const end = invertSigmas ? 1 : 0;
  const starts = invertSigmas ? visited.map((sigma) => Math.fround(1 - sigma)) : visited;
  const sigmas = [...starts, end];
  return {
    name,
    timesteps: starts.map((sigma) => Math.fround(sigma * numTrainTimesteps)),
    sigmas,
    level: (at) => flowLevel(sigmas[at]!),
    step({ sample }, output, at, draw) {
      const [sigma, next] = [sigmas[at]!, sigmas[at + 1]!];
      const along = (length: number) =>
        weightedSum([
          [1, sample],
          [length, output],
        ]);
      const clean = along(end - sigma);
      if (!stochasticSampling) return { sample: along(next - sigma), predOriginalSample: clean };
      const noised = weightedSum([
        [1 - next, clean],
        [next, draw()],
      ]);
      return { sample: noised, predOriginalSample: clean };
    },
  };
}
