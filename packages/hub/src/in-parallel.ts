/**
 * Does a task for each item, a few at a time. The first failure ends the others, and is thrown when all have ended.
 *
 * @throws what the first task to fail throws; `signal.reason` after an abort.
 */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal | undefined,
  task: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const either = AbortSignal.any(signal ? [signal, controller.signal] : [controller.signal]);
  const queue = items.values();
  const work = async () => {
    for (const item of queue) {
      either.throwIfAborted();
      await task(item, either);
    }
  };
  const workers = Array.from({ length: limit }, async () => {
    try {
      await work();
    } catch (error) {
      // the reason of an abort is its first
      controller.abort(error);
    }
  });
  await Promise.all(workers);
  either.throwIfAborted();
}
