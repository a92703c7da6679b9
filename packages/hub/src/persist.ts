import { TemporaryFailure } from "./hub-failure.js";

/** Tries of one thing without getting any further. */
const MOST_TRIES = 5;
/** Seconds before the second try; they double with each. */
const FIRST_PAUSE = 0.3;
/** Who asks for more patience than this, in seconds, is given up. */
const LONGEST_PAUSE = 300;

/** How to go on after a temporary failure. */
export interface Persistence {
  readonly signal: AbortSignal | undefined;
  /** How far the work has come, such as bytes received; the tries begin anew when it grows. */
  readonly reached?: () => number;
  /** Whether to try again where there is no connection at all. */
  readonly whenUnreachable?: boolean;
}

/**
 * Does something that may fail for a while, a few times, with growing pauses or those that the server asks for.
 *
 * @throws TemporaryFailure of the last try; `signal.reason` after an abort; other failures at once.
 */
export async function persist<T>(attempt: () => Promise<T>, options: Persistence): Promise<T> {
  const { signal, reached = () => 0, whenUnreachable = false } = options;
  let furthest = reached();
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TemporaryFailure) || (error.isUnreachable && !whenUnreachable)) throw error;
      if (reached() > furthest) tries = 1;
      furthest = Math.max(furthest, reached());
      const pause = error.waitSeconds ?? FIRST_PAUSE * 2 ** (tries - 1);
      if (tries >= MOST_TRIES || pause > LONGEST_PAUSE) throw error;
      await pauseFor(pause, signal);
    }
  }
}

async function pauseFor(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  let stop = (): void => undefined;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
  signal?.removeEventListener("abort", stop);
  signal?.throwIfAborted();
}
