/** Which training steps a run visits (Lin et al. 2023, table 2). */
export type TimestepSpacing = "linspace" | "leading" | "trailing";

export const timestepSpacings: readonly TimestepSpacing[] = ["linspace", "leading", "trailing"];

/** numpy's round: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** numpy.linspace: both ends, in double precision. */
export function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) =>
    i > 0 && i === count - 1 ? stop : i === 0 ? start : i * step + start,
  );
}

/** numpy.arange for floats: the step is the difference of the first two values as they are rounded. */
export function arange(start: number, stop: number, step: number): number[] {
  const delta = start + step - start;
  return Array.from({ length: Math.ceil((stop - start) / step) }, (_, i) => start + i * delta);
}

/** Every level but the first twice: methods of second order call the network at both ends of a step. */
export function twice([first, ...rest]: readonly number[]): number[] {
  return first === undefined ? [] : [first, ...rest.flatMap((level) => [level, level])];
}

/** What spacing needs to know. */
export interface SpacingRequest {
  /** Timesteps wanted. */
  readonly count: number;
  /** Training steps. */
  readonly trainSteps: number;
  /** Added to "leading" timesteps. */
  readonly stepsOffset: number;
  /** 1 for the solvers that space one timestep more and drop the lowest. @default 0 */
  readonly dropped?: number;
  /** Drops the noisiest instead. @default false */
  readonly dropsNoisiest?: boolean;
  /** Training steps that may be visited, when the noisiest are left out. @default trainSteps */
  readonly usable?: number;
}

/**
 * Visited timesteps, descending. "linspace" gives fractions, which each class rounds in its own way.
 * Where Diffusers' "trailing" ends in a timestep of -1, as it does for 61, 103, 121, … steps, that one is left out.
 *
 * @throws RangeError when there are too few training steps to space.
 */
export function spacedTimesteps(spacing: TimestepSpacing, request: SpacingRequest): number[] {
  const { count, trainSteps, stepsOffset, dropped = 0, dropsNoisiest = false, usable = trainSteps } = request;
  const points = count + dropped;
  const first = dropsNoisiest ? dropped : 0;
  switch (spacing) {
    case "linspace":
      return linspace(0, usable - 1, points)
        .reverse()
        .slice(first, first + count);
    case "leading": {
      const ratio = Math.floor(usable / points);
      if (ratio === 0)
        throw new RangeError(`numInferenceSteps: "leading" spacing needs fewer than ${usable}, got ${count}`);
      return Array.from({ length: count }, (_, i) => (points - 1 - first - i) * ratio + stepsOffset);
    }
    case "trailing":
      return arange(usable, 0, -trainSteps / count)
        .map((t) => roundHalfEven(t) - 1)
        .filter((t) => t >= 0);
    default:
      spacing satisfies never;
      throw new RangeError(`timestepSpacing: unknown ${String(spacing)}`);
  }
}
