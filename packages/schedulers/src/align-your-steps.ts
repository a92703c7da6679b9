import { linspace } from "./spacing.js";

/** Ten levels that suit one family of models, found by optimisation. */
export interface AlignYourSteps {
  /** Training timesteps, descending: `plan({ timesteps })`. Missing for models trained on continuous levels. */
  readonly timesteps?: readonly number[];
  /** Noise levels, descending, with the clean end: `plan({ sigmas })`. */
  readonly sigmas: readonly number[];
  /** The lowest level above the clean end, to which other numbers of steps go down. */
  readonly lowestSigma: number;
}

/**
 * The schedules of "Align Your Steps" (Sabour, Fidler and Kreis 2024), as Diffusers' `AysSchedules` has them: for
 * Stable Diffusion 1.5, for SDXL and for Stable Video Diffusion.
 *
 * @example
 * ```ts
 * const scheduler = new EulerDiscreteScheduler({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" });
 * const plan = scheduler.plan({ sigmas: alignYourSteps.stableDiffusion15.sigmas });
 * ```
 */
export const alignYourSteps: Readonly<
  Record<"stableDiffusion15" | "stableDiffusionXL", Required<AlignYourSteps>> & Record<"stableVideo", AlignYourSteps>
> = {
  stableDiffusion15: {
    timesteps: [999, 850, 736, 645, 545, 455, 343, 233, 124, 24],
    sigmas: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0],
    lowestSigma: 0.029,
  },
  stableDiffusionXL: {
    timesteps: [999, 845, 730, 587, 443, 310, 193, 116, 53, 13],
    sigmas: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0],
    lowestSigma: 0.029,
  },
  stableVideo: {
    sigmas: [700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0],
    lowestSigma: 0.002,
  },
};

/**
 * A schedule for another number of steps: its levels, the lowest of training in place of the clean end, are
 * interpolated evenly in log σ, as its authors recommend, and the last one is 0 again. Ten steps give the table.
 *
 * @throws RangeError unless `steps` is a positive integer.
 * @example
 * ```ts
 * const sigmas = alignYourStepsSigmas(alignYourSteps.stableDiffusionXL, 20); // 21 levels, 14.615 … 0
 * ```
 */
export function alignYourStepsSigmas({ sigmas, lowestSigma }: AlignYourSteps, steps: number): readonly number[] {
  if (!Number.isInteger(steps) || steps < 1) throw new RangeError(`steps: expected a positive integer, got ${steps}`);
  if (steps === sigmas.length - 1) return sigmas;
  return [...logLinear([...sigmas.slice(0, -1), lowestSigma], steps + 1).slice(0, -1), 0];
}

/** `count` values from the first to the last one, linear in the logarithm between neighbours. */
function logLinear(values: readonly number[], count: number): number[] {
  return linspace(0, values.length - 1, count).map((at) => {
    const below = Math.min(Math.floor(at), values.length - 2);
    return values[below]! ** (below + 1 - at) * values[below + 1]! ** (at - below);
  });
}
