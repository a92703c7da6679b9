import { betaQuantile } from "./beta-quantile.js";
import { type Fields, flag } from "./option-fields.js";
import { linspace } from "./spacing.js";

/** Noise levels spaced by a formula instead of by timesteps; at most one of these. */
export interface SigmaScheduleOptions {
  /** Karras et al. 2022, equation 5. @default false */
  readonly useKarrasSigmas?: boolean | undefined;
  /** Evenly in log σ. @default false */
  readonly useExponentialSigmas?: boolean | undefined;
  /** By quantiles of a beta distribution (Lee et al. 2024, "Beta Sampling is All You Need"). @default false */
  readonly useBetaSigmas?: boolean | undefined;
}

export const sigmaScheduleFields: Fields<SigmaScheduleOptions> = {
  useKarrasSigmas: flag(false),
  useExponentialSigmas: flag(false),
  useBetaSigmas: flag(false),
};

/** How levels are spaced between two ends. */
export type SigmaSchedule = "useKarrasSigmas" | "useExponentialSigmas" | "useBetaSigmas";

/** @throws RangeError when more than one is asked for. */
export function sigmaScheduleOf(options: SigmaScheduleOptions): SigmaSchedule | undefined {
  const all = ["useKarrasSigmas", "useExponentialSigmas", "useBetaSigmas"] as const;
  const chosen = all.filter((name) => options[name]);
  if (chosen.length > 1) throw new RangeError(`${chosen.join(", ")}: expected at most one of ${all.join(", ")}`);
  return chosen[0];
}

/** `count` levels from `max` down to `min`. */
export function spacedSigmas(schedule: SigmaSchedule, max: number, min: number, count: number): number[] {
  switch (schedule) {
    case "useKarrasSigmas":
      return linspace(0, 1, count).map(karrasSigma(max, min));
    case "useExponentialSigmas":
      return linspace(Math.log(max), Math.log(min), count).map(Math.exp);
    case "useBetaSigmas":
      return linspace(0, 1, count).map((t) => min + betaQuantile(1 - t, 0.6, 0.6) * (max - min));
    default:
      schedule satisfies never;
      throw new RangeError(`unknown sigma schedule ${String(schedule)}`);
  }
}

const exact = (value: number): number => value;

/** The level at a share t of the way down: (σ_max^(1/ρ) + t (σ_min^(1/ρ) − σ_max^(1/ρ)))^ρ. `round` is the precision. */
export function karrasSigma(
  max: number,
  min: number,
  rho = 7,
  round: (value: number) => number = exact,
): (t: number) => number {
  const [from, to] = [max ** (1 / rho), min ** (1 / rho)];
  const [start, span] = [round(from), round(to - from)];
  return (t) => round(round(start + round(t * span)) ** rho);
}

/** A rectified-flow level, shifted towards noise (Esser et al. 2024, equation 23). */
export function shiftedSigma(sigma: number, shift: number, round: (value: number) => number = exact): number {
  const [factor, extra] = [round(shift), round(shift - 1)];
  return round(round(factor * sigma) / round(1 + round(extra * sigma)));
}

/** Rectified-flow levels between the ends of training, shifted towards noise (Esser et al. 2024, section 5.3.2). */
export function flowSigmas(count: number, trainSteps: number, shift: number): number[] {
  const sigmas = linspace(1, 1 / trainSteps, count + 1).map((alpha) => 1 - alpha);
  return sigmas
    .map((sigma) => shiftedSigma(sigma, shift))
    .reverse()
    .slice(0, count);
}
