import { checkCount } from "./option-checks.js";
import type { GenerateResult } from "./pipeline.js";

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

/** @throws RangeError or TypeError naming the option, its value and what is accepted. */
export function checkBatchSettings({ batchSize = 1, lookAhead = 2, onError }: BatchSettings<never>): void {
  checkCount("batchSize", batchSize);
  if (!Number.isInteger(lookAhead) || lookAhead < 0)
    throw new RangeError(`lookAhead: expected 0 or a positive integer, got ${lookAhead}`);
  if (onError !== undefined && typeof onError !== "function")
    throw new TypeError(`onError: expected a function, got ${typeof onError}`);
}
