import { type Tensor, type Term, weightedSum } from "@latentkit/core";
import type { ThresholdingOptions } from "./clipping.js";
import { type IntegrandKind, integrandOf } from "./integrand.js";
import type { Settings } from "./option-fields.js";
import type { Sampler } from "./plan.js";
import type { Level, PredictionType } from "./prediction.js";
import type { SamplerState } from "./scheduler.js";
import {
  checkDistinct,
  halfLogSnr,
  isFirstOrderOnly,
  type LevelTable,
  loweredOrder,
  solverLevel,
} from "./solver-levels.js";

/** DPM-Solver++ integrates the predicted sample, DPM-Solver the predicted noise; "sde" adds fresh noise. */
export type DPMSolverAlgorithm = "dpmsolver" | "dpmsolver++" | "sde-dpmsolver" | "sde-dpmsolver++";

/** What a multistep DPM-Solver is made of. */
export interface DPMSolverRule {
  readonly algorithmType: DPMSolverAlgorithm;
  readonly solverType: "midpoint" | "heun";
  readonly solverOrder: number;
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
}

/** @throws RangeError when the algorithm has no steps of that order. */
export function checkOrder(
  { algorithmType, solverOrder }: Pick<DPMSolverRule, "algorithmType" | "solverOrder">,
  highest: number,
): void {
  if (solverOrder <= highest) return;
  throw new RangeError(`solverOrder: algorithmType "${algorithmType}" has orders 1 to ${highest}, got ${solverOrder}`);
}

/** @throws RangeError when the algorithm cannot end without noise. */
export function checkFinalSigma(settings: {
  readonly algorithmType: DPMSolverAlgorithm;
  readonly finalSigmasType: "zero" | "sigma_min";
}): void {
  const { algorithmType, finalSigmasType } = settings;
  if (integrandKind(algorithmType) === "clean" || finalSigmasType === "sigma_min") return;
  throw new RangeError(`finalSigmasType: algorithmType "${algorithmType}" needs "sigma_min", got "zero"`);
}

/** What an algorithm integrates. */
export function integrandKind(algorithmType: DPMSolverAlgorithm): IntegrandKind {
  return algorithmType.endsWith("++") ? "clean" : "noise";
}

/** What a DPM-Solver needs to know of the network. */
interface Predicted extends Settings<ThresholdingOptions> {
  readonly predictionType: PredictionType;
  readonly varianceType: "learned" | "learned_range" | null;
  readonly useFlowSigmas: boolean;
}

/** A multistep DPM-Solver over a table of levels. */
export function multistepSampler(name: string, settings: DPMSolverRule & Predicted, table: LevelTable): Sampler {
  checkDistinct(table);
  const { timesteps, sigmas } = table;
  const { predictionType, useFlowSigmas, varianceType } = settings;
  const level = (at: number): Level => solverLevel(sigmas[at]!, useFlowSigmas);
  const integrates = integrandKind(settings.algorithmType);
  const advance = multistepSolver(settings, sigmas, level);
  return {
    name,
    timesteps,
    sigmas,
    level,
    learnsVariance: varianceType !== null && predictionType === "epsilon",
    step(state, output, at, draw) {
      const { clean, integrand } = integrandOf(integrates, settings, state.sample, output, level(at));
      return { ...advance(state, integrand, at, draw), predOriginalSample: clean };
    },
  };
}

/** One step from what was integrated before and the newest prediction. */
export type MultistepSolver = (
  state: SamplerState,
  integrand: Tensor,
  at: number,
  draw: () => Tensor,
) => Pick<SamplerState, "sample" | "history">;

/** The steps of a run over the given levels. */
export function multistepSolver(
  rule: DPMSolverRule,
  sigmas: readonly number[],
  level: (at: number) => Level,
): MultistepSolver {
  return ({ sample, history }, integrand, at, draw) => {
    const known = [integrand, ...history];
    const outputs = known.slice(0, orderAt(rule, sigmas, at));
    const levels = [level(at + 1), ...outputs.map((_, i) => level(at - i))];
    return { sample: updated(rule, sample, outputs, levels, draw), history: known.slice(0, rule.solverOrder - 1) };
  };
}

/** The highest order a step may have. */
function orderAt(rule: DPMSolverRule, sigmas: readonly number[], at: number): number {
  const count = sigmas.length - 1;
  const isLast = at === count - 1;
  return isLast && (rule.eulerAtFinal || isFirstOrderOnly(sigmas, at)) ? 1 : loweredOrder(rule, count, at);
}

/** Factors of one step: of the sample, of the integrands, of fresh noise; φ takes `z`. */
interface Exponentials {
  readonly ratio: number;
  readonly gain: number;
  readonly z: number;
  readonly noise: number;
}

const exponentials: Readonly<Record<DPMSolverAlgorithm, (to: Level, from: Level, h: number) => Exponentials>> = {
  "dpmsolver++": (to, from, h) => ({ ratio: to.sigma / from.sigma, gain: to.alpha, z: -h, noise: 0 }),
  dpmsolver: (to, from, h) => ({ ratio: to.alpha / from.alpha, gain: to.sigma, z: h, noise: 0 }),
  "sde-dpmsolver++": (to, from, h) => ({
    ratio: (to.sigma / from.sigma) * Math.exp(-h),
    gain: to.alpha,
    z: -2 * h,
    // levels that rounding puts in the wrong order are as good as equal
    noise: to.sigma * Math.sqrt(Math.max(-Math.expm1(-2 * h), 0)),
  }),
  "sde-dpmsolver": (to, from, h) => ({
    ratio: to.alpha / from.alpha,
    gain: 2 * to.sigma,
    z: h,
    noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
  }),
};

/** Factors of an expansion in divided differences: φ₁, its half, φ₂ and φ₃. */
export interface Phis {
  readonly first: number;
  readonly half: number;
  readonly second: number;
  readonly third: number;
}

/**
 * One exponential-integrator step in λ: x_t = ratio · x − gain · (φ₁ D₀ + φ₂ D₁ + φ₃ D₂) + noise · ε
 * (Lu et al. 2022, "DPM-Solver", section 3, and "DPM-Solver++", section 4 and appendix B).
 * `weigh` tells what the sum gives to each output.
 */
export function exponentialStep(
  algorithmType: DPMSolverAlgorithm,
  [from, to]: readonly [Level, Level],
  sample: Tensor,
  outputs: readonly Tensor[],
  weigh: (phis: Phis) => readonly number[],
  draw: () => Tensor,
): Tensor {
  const { ratio, gain, z, noise } = exponentials[algorithmType](to, from, halfLogSnr(to) - halfLogSnr(from));
  const weights = weigh({
    first: Math.expm1(z),
    half: Math.expm1(z) / 2,
    second: Math.expm1(z) / z - 1,
    // Diffusers adds the half for the SDE, where the expansion of the other algorithms subtracts it
    third: (Math.expm1(z) - z) / z ** 2 + (algorithmType === "sde-dpmsolver++" ? 0.5 : -0.5),
  });
  return weightedSum([
    [ratio, sample],
    ...outputs.map((output, i): Term => [-gain * weights[i]!, output]),
    ...(algorithmType.startsWith("sde") ? [[noise, draw()] as const] : []),
  ]);
}

/** A step from outputs, newest first; `levels` are the next one, then those of the outputs. */
function updated(
  { algorithmType, solverType }: DPMSolverRule,
  sample: Tensor,
  outputs: readonly Tensor[],
  levels: readonly Level[],
  draw: () => Tensor,
): Tensor {
  const [to, from] = [levels[0]!, levels[1]!];
  const lambdas = levels.map(halfLogSnr);
  const weigh = ({ first, half, second, third }: Phis): readonly number[] =>
    outputWeights(
      [first, solverType === "heun" || outputs.length === 3 ? second : half, third],
      lambdas,
      outputs.length,
    );
  return exponentialStep(algorithmType, [from, to], sample, outputs, weigh, draw);
}

/** φ₁ D₀ + φ₂ D₁ + φ₃ D₂ as weights of the outputs, where D are divided differences in λ. */
function outputWeights(
  phi: readonly [number, number, number],
  lambdas: readonly number[],
  order: number,
): readonly number[] {
  const [first, second, third] = phi;
  if (order === 1) return [first];
  const step = (i: number): number => (lambdas[i]! - lambdas[i + 1]!) / (lambdas[0]! - lambdas[1]!);
  const [r0, r1] = [step(1), step(2)];
  if (order === 2) return [first + second / r0, -second / r0];
  const newer = (second * (2 * r0 + r1) + third) / (r0 + r1) / r0;
  const older = -(second * r0 + third) / (r0 + r1) / r1;
  return [first + newer, older - newer, -older];
}
