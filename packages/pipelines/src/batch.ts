import { batchFeed } from "./batch-feed.js";
import { type BatchJob, jobsOf, jointOptions } from "./batch-jobs.js";
import type { BatchItem, BatchOptions, BatchResult, BatchSettings } from "./batch-options.js";
import { type Draw, type Failure, outcomesOf } from "./batch-outcomes.js";
import { inOrder } from "./in-order.js";
import { endingTurn, inTurn, networkTurns } from "./network-turns.js";
import { noiseSideBySide } from "./noise-side-by-side.js";
import { type NoiseSource, noiseSource } from "./noise-source.js";
import type { GenerateResult } from "./pipeline.js";
import type { PreparedRun } from "./run.js";
import type { RunOptions } from "./run-options.js";

/** What a run of a batch is begun with. */
export interface BatchRun {
  readonly noise: (images: number) => Promise<NoiseSource>;
  readonly signal: AbortSignal;
  /** The same network, whose first call waits for the run's turn. */
  inTurn<Network extends object>(network: Network): Network;
  /** The same run, which lets the next one have the network after its last step. */
  endingTurn(run: PreparedRun): PreparedRun;
}

/** Begins a run, and goes through it to its end. */
export type RunToEnd<Options> = (options: Options, run: BatchRun) => Promise<GenerateResult>;

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
    const noise = async (images: number) => {
      const each = images / jobs.length;
      const sources = await Promise.all(jobs.map(({ options }) => noiseSource(options, each)));
      return noiseSideBySide(sources, each);
    };
    const run: BatchRun = {
      noise,
      signal,
      inTurn: (network) => inTurn(network, turn, signal),
      endingTurn: (run) => endingTurn(run, turn),
    };
    try {
      return await runToEnd(jointOptions(jobs), run);
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
