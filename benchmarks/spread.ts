/** Of several measurements. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** The middle of the measurements, and how far apart they are. */
export function spread(values: readonly number[]): Spread {
  return { least: Math.min(...values), median: median(values), most: Math.max(...values) };
}

/** The middle one; of an even number, the upper of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
