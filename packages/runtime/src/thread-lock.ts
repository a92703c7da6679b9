/** A lock that threads share; whoever holds it runs native code that must not be interrupted. */
export type ThreadLock = Int32Array<SharedArrayBuffer>;

export function createThreadLock(): ThreadLock {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Blocks this thread until the lock is its own. */
export function acquire(lock: ThreadLock): void {
  while (Atomics.compareExchange(lock, 0, 0, 1) !== 0) Atomics.wait(lock, 0, 1);
}

export function unlock(lock: ThreadLock): void {
  Atomics.store(lock, 0, 0);
  Atomics.notify(lock, 0);
}

/** Whether a thread has it. */
export function isHeld(lock: ThreadLock): boolean {
  return Atomics.load(lock, 0) !== 0;
}

/** Runs `task` with the lock held. */
export async function whileHolding<Result>(lock: ThreadLock, task: () => Promise<Result>): Promise<Result> {
  acquire(lock);
  try {
    return await task();
  } finally {
    unlock(lock);
  }
}
