import { type Term, weightedSum } from "@latentkit/core";
import { predictedSample } from "./clipping.js";
import { lagrangeWeights } from "./lagrange-weights.js";
import { alphaBars, trainingSigmas } from "./noise-schedule.js";
import { type Fields, oneOf, type Settings } from "./option-fields.js";
import { planOf, type Sampler } from "./plan.js";
import { planRequest } from "./plan-request.js";
import { type Level, noiseBetween } from "./prediction.js";
import type { Scheduler, SchedulerClass } from "./scheduler.js";
import { schedulerClass } from "./scheduler-class.js";
import { sigmaScheduleOf } from "./sigma-schedules.js";
import {
  checkDistinct,
  checkFlow,
  halfLogSnr,
  type LevelTable,
  loweredOrder,
  type SolverOptions,
  solverFields,
  solverLevel,
  tableToLowest,
} from "./solver-levels.js";
import { trainingLevels } from "./training-levels.js";

/** Options of `DEISMultistepScheduler`, with the defaults of Diffusers. */
export interface DEISMultistepOptions extends Omit<SolverOptions, "finalSigmasType" | "rescaleBetasZeroSnr"> {
  /** The only one. @default "deis" */
  readonly algorithmType?: "deis" | undefined;
  /** The only one: polynomials in log(sigma / alpha). @default "logrho" */
  readonly solverType?: "logrho" | undefined;
}

const { finalSigmasType: _final, rescaleBetasZeroSnr: _zero, ...shared } = solverFields;

const fields: Fields<DEISMultistepOptions> = {
  ...shared,
  algorithmType: oneOf("deis", ["deis"], { dpmsolver: "deis", "dpmsolver++": "deis" }),
  solverType: oneOf("logrho", ["logrho"], { midpoint: "logrho", heun: "logrho", bh1: "logrho", bh2: "logrho" }),
};

const name = "DEISMultistepScheduler";

type DEISSettings = Settings<DEISMultistepOptions>;

/**
 * DEIS of orders 1 to 3 (Zhang & Chen 2023, section 3, log-ρ Adams–Bashforth), Diffusers' `DEISMultistepScheduler`.
 * Ends at the lowest training level, not at 0.
 *
 * @example
 * ```ts
 * const scheduler = new DEISMultistepScheduler({ solverOrder: 3, betaSchedule: "scaled_linear" });
 * const plan = scheduler.plan({ numInferenceSteps: 20 });
 * ```
 */
export const DEISMultistepScheduler: SchedulerClass<DEISMultistepOptions> = schedulerClass(name, fields, (settings) => {
  checkFlow(settings);
  sigmaScheduleOf(settings);
  if (settings.solverOrder > 3) throw new RangeError(`solverOrder: expected 1 to 3, got ${settings.solverOrder}`);
  const levels = trainingLevels(trainingSigmas(alphaBars(settings)));
  return (options) => {
    const request = planRequest(options, { name, numTrainTimesteps: settings.numTrainTimesteps });
    return planOf(sampler(settings, tableToLowest(settings, levels, request)), request);
  };
});
export type DEISMultistepScheduler = Scheduler;

function sampler(settings: DEISSettings, table: LevelTable): Sampler {
  checkDistinct(table);
  const { timesteps, sigmas } = table;
  const { solverOrder, useFlowSigmas } = settings;
  const level = (at: number): Level => solverLevel(sigmas[at]!, useFlowSigmas);
  return {
    name,
    timesteps,
    sigmas,
    level,
    step({ sample, history }, output, at) {
      const [from, to] = [level(at), level(at + 1)];
      const clean = predictedSample(settings, sample, output, from);
      const known = [noiseBetween(sample, clean, from), ...history];
      const outputs = known.slice(0, loweredOrder(settings, timesteps.length, at));
      // x / alpha grows by ∫ ε dρ with ρ = sigma / alpha, and log ρ is −λ
      const nodes = outputs.map((_, i) => halfLogSnr(to) - halfLogSnr(level(at - i)));
      const weights = lagrangeWeights(nodes, nodes[0]!, 1);
      const next = weightedSum([
        [to.alpha / from.alpha, sample],
        ...outputs.map((one, i): Term => [to.sigma * weights[i]!, one]),
      ]);
      return { sample: next, predOriginalSample: clean, history: known.slice(0, solverOrder - 1) };
    },
  };
}
