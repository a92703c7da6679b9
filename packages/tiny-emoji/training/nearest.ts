/** Where the least of some distances is. */
export function nearest(distances: readonly number[]): number {
  return distances.indexOf(Math.min(...distances));
}

/** Σ (a − b)². */
export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
