/** @throws RangeError for a number of threads that is none. */
export function checkThreads(threads: number | undefined): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new RangeError(`threads: expected a positive integer, got ${threads}`);
  }
}
