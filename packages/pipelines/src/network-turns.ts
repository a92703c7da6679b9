import type { SplitUNet } from "@latentkit/models";
import type { PreparedRun } from "./run.js";

/** One run's use of the network. */
export interface Turn {
  /** Waits until the network is this run's. */
  readonly begin: Promise<void>;
  /** Lets the next one have it. */
  end(): void;
}

/** Hands out turns; each begins when all before it have ended. */
export function networkTurns(): () => Turn {
  let last: Promise<void> = Promise.resolve();
  return () => {
    const begin = last;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    last = begin.then(() => ended);
    return { begin, end };
  };
}

/** The same network, whose first call waits for the turn. */
export function inTurn<Network extends object>(network: Network, { begin }: Turn, signal: AbortSignal): Network {
  const waiting =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await begin;
      signal.throwIfAborted();
      return call(...args);
    };
  return new Proxy(network, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      // methods of classes with private fields work on the object itself
      const call = (...args: unknown[]) => Reflect.apply(value, target, args);
      if (key === "predict") return waiting(async (...args) => call(...args));
      if (key !== "split") return call;
      return (branch: number): SplitUNet => {
        const { whole, shallow } = call(branch);
        return { branch, whole: waiting(whole), shallow: waiting(shallow) };
      };
    },
  });
}

/** The same run, which ends its turn with its last step. */
export function endingTurn(run: PreparedRun, turn: Turn): PreparedRun {
  return {
    ...run,
    async *states(tools) {
      try {
        return yield* run.states(tools);
      } finally {
        turn.end();
      }
    },
  };
}
