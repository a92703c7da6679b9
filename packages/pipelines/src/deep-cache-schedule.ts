/** Where whole runs of the network lie closer together (Ma et al. 2023, §3.4). */
export interface NonUniformSchedule {
  /** The network call around which they are closest, counted from 0. */
  readonly center: number;
  /** How much closer, above 1; the paper's pictures are of 1.2 to 1.6. */
  readonly power: number;
}

/** Which of a run's network calls are whole ones. */
export interface DeepCacheSchedule {
  readonly interval: number;
  readonly nonUniform?: NonUniformSchedule | undefined;
}

/**
 * The network calls, of `total`, that are whole ones: the first of each `interval`; or as many of them as evenly spaced
 * powers of the distance to the center give (Ma et al. 2023, eq. 9), the first call among them.
 */
export function wholeCalls(total: number, { interval, nonUniform }: DeepCacheSchedule): ReadonlySet<number> {
  const count = Math.ceil(total / interval);
  if (!nonUniform) return new Set(Array.from({ length: count }, (_, k) => k * interval));
  const { center, power } = nonUniform;
  const first = signedPower(-center, 1 / power);
  const last = signedPower(total - center, 1 / power);
  const at = (k: number) => Math.trunc(signedPower(first + ((last - first) * k) / count, power)) + center;
  return new Set([0, ...Array.from({ length: count - 1 }, (_, k) => at(k + 1))]);
}

/** |x|ᵖ with the sign of x. */
const signedPower = (x: number, power: number): number => Math.sign(x) * Math.abs(x) ** power;
