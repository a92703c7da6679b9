import { batchFeed } from "./batch-feed.js";
import { type BatchJob, jobsOf, jointOptions } from "./batch-jobs.js";
import { type Draw, type Failure, outcomesOf } from "./batch-outcomes.js";
import { inOrder } from "./in-order.js";
import { networkTurns, type Turn } from "./network-turns.js";
import { noiseSideBySide } from "./noise-side-by-side.js";
import { type NoiseSource, noiseSource } from "./noise-source.js";
import { checkCount } from "./option-checks.js";
import type { GenerateResult } from "./pipeline.js";
import type { RunOptions } from "./run-options.js";

/** One run of a batch: its prompt, or options that it has for itself. */
export type BatchItem<Options> = string | Partial<Options>;

/** Where a prompt is in a batch. */
export interface BatchPlace<Options> {
  /** How many came before it. */
  readonly index: number;
  /** What came. */
  readonly item: BatchItem<Options>;
}

/** How a batch goes. */
export interface BatchSettings<Options> {
  /**
   * How many prompts at most go through the network together. Those that come one after another do when they differ in
   * `prompt`, `negativePrompt` and `seed` alone. On a GPU more are faster; on a CPU they hardly are. @default 1
   */
  readonly batchSize?: number;
  /**
   * How many runs may be begun before the last one is taken: 2 lets one be decoded and another one's text be encoded while
   * the network draws the third. 0 holds fewest in memory. @default 2
   */
  readonly lookAhead?: number;
  /** Told of a prompt that failed, which is then left out. Otherwise its error is thrown in its place, and ends the batch. */
  readonly onError?: (error: unknown, failed: BatchPlace<Options>) => void;
  /** Ends the batch between two steps; it throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What all runs of a batch have in common, and how it goes. */
export type BatchOptions<Options> = Partial<Omit<Options, "prompt">> & BatchSettings<Options>;

/** What a prompt of a batch gave. */
export interface BatchResult<Options> extends GenerateResult, BatchPlace<Options> {}

/** What a run of a batch is begun with. */
export interface BatchRun {
  readonly noise: (images: number) => NoiseSource;
  readonly turn: Turn;
  readonly signal: AbortSignal;
}

/** Begins a run, and goes through it to its end. */
export type RunToEnd<Options> = (options: Options, run: BatchRun) => Promise<GenerateResult>;

/** @throws RangeError or TypeError naming the option, its value and what is accepted. */
export function checkBatchSettings({ batchSize = 1, lookAhead = 2, onError }: BatchSettings<never>): void {
  checkCount("batchSize", batchSize);
  if (!Number.isInteger(lookAhead) || lookAhead < 0)
    throw new RangeError(`lookAhead: expected 0 or a positive integer, got ${lookAhead}`);
  if (onError !== undefined && typeof onError !== "function")
    throw new TypeError(`onError: expected a function, got ${typeof onError}`);
}

/**
 * Runs for prompts as they come, their results in the same order. The network goes from one to the next without waiting
 * for decoding and encoding; however the batch ends, runs under way end at their next step.
 */
export async function* batchRuns<Options extends RunOptions>(
  prompts: Iterable<BatchItem<Options>> | AsyncIterable<BatchItem<Options>>,
  { batchSize = 1, lookAhead = 2, onError, signal: given, ...common }: BatchOptions<Options>,
  runToEnd: RunToEnd<Options>,
): AsyncGenerator<BatchResult<Options>, void, undefined> {
  const feed = batchFeed(prompts);
  const leaving = new AbortController();
  const signal = AbortSignal.any([leaving.signal, ...(given ? [given] : [])]);
  const draw = drawing(runToEnd, signal);
  const begun = new Set<Promise<unknown>>();
  const make = (jobs: readonly BatchJob<Options>[]) => {
    const outcomes = outcomesOf(jobs, draw, signal);
    begun.add(outcomes);
    return outcomes.finally(() => begun.delete(outcomes));
  };
  try {
    const next = jobsOf<Options>(feed, common, batchSize);
    for await (const outcomes of inOrder({ next, make }, lookAhead + 1, signal)) {
      for (const outcome of outcomes) {
        if ("result" in outcome) yield outcome.result;
        else tell(outcome, onError, signal);
      }
    }
  } finally {
    leaving.abort(new DOMException("the batch was left", "AbortError"));
    await Promise.allSettled(begun);
    await feed.close();
  }
}

/** What draws the pictures of some jobs in one run, when it is its turn. */
function drawing<Options extends RunOptions>(runToEnd: RunToEnd<Options>, signal: AbortSignal): Draw<Options> {
  const nextTurn = networkTurns();
  return async (jobs) => {
    const turn = nextTurn();
    const noise = (images: number) => {
      const each = images / jobs.length;
      return noiseSideBySide(
        jobs.map(({ options }) => noiseSource(options, each)),
        each,
      );
    };
    try {
      return await runToEnd(jointOptions(jobs), { noise, turn, signal });
    } finally {
      turn.end();
    }
  };
}

function tell<Options>(
  { error, job: { index, item } }: Failure<Options>,
  onError: BatchSettings<Options>["onError"],
  signal: AbortSignal,
): void {
  signal.throwIfAborted();
  if (!onError) throw error;
  onError(error, { index, item });
}
