import { constants } from "node:os";

const stoppable = ["SIGINT", "SIGTERM"] as const;

/** A terminal and npm both pass on one Ctrl-C: signals this near to the first one, in milliseconds, are the same. */
const sameKeystroke = 500;

/** The reason of a run that the user ended. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly exitCode: number;

  constructor(signal: (typeof stoppable)[number]) {
    super(`stopped by ${signal}`);
    // as shells report the death by a signal
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Runs a task that Ctrl-C and SIGTERM abort, with an `Interruption` as reason, when the task looks at its signal.
 * A second Ctrl-C ends the process at once.
 */
export async function interruptible<Result>(task: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  let stoppedAt = 0;

  const stop = (signal: (typeof stoppable)[number]): void => {
    if (!controller.signal.aborted) {
      stoppedAt = performance.now();
      controller.abort(new Interruption(signal));
    } else if (performance.now() - stoppedAt > sameKeystroke) {
      release();
      process.kill(process.pid, signal);
    }
  };
  const release = (): void => {
    for (const name of stoppable) process.off(name, stop);
  };

  for (const name of stoppable) process.on(name, stop);
  try {
    return await task(controller.signal);
  } finally {
    release();
  }
}
