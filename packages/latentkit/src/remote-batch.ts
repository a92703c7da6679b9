import type { RunOptions } from "@latentkit/pipelines";
import { proxy } from "comlink";
import { batchCaller } from "./batch-caller.js";
import { pack, unpack } from "./parcel.js";
import type { BatchProgress, PipelineReference } from "./pipeline-host.js";
import { promptSource } from "./prompt-source.js";
import type { WorkerLink } from "./worker-link.js";

/** Options of a batch as it is made here. */
export interface RemoteBatchOptions<Item> extends RunOptions {
  readonly onError?: (error: unknown, failed: { readonly index: number; readonly item: Item }) => void;
}

/** A batch in a worker: it takes the prompts from here as it goes, and gives its results as they are asked for. */
export async function* remoteBatch<Item>(
  link: WorkerLink,
  pipeline: PipelineReference,
  prompts: Iterable<Item> | AsyncIterable<Item>,
  options: RemoteBatchOptions<Item>,
): AsyncGenerator<BatchProgress & { readonly item: Item }, void, undefined> {
  const { signal: given, onError, onStep, onWarning, ...rest } = options;
  const settings = await pack(rest, "");
  const hears = { onError: !!onError, onStep: !!onStep, onWarning: !!onWarning };
  const source = promptSource(prompts);
  const leaving = new AbortController();
  const signal = AbortSignal.any([leaving.signal, ...(given ? [given] : [])]);
  const batch = link.number();
  const caller = batchCaller(source, {
    onError: (error, index) => onError?.(error, { index, item: source.over(index) }),
    onStep,
    onWarning,
    leave: (reason) => leaving.abort(reason),
    preview: async (step, how) => unpack(await link.call((host) => host.showInBatch(batch, step, how))),
  });
  const abort = () => link.send((host) => host.abort(batch));
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    await link.call((host) => host.startBatch(batch, pipeline, settings, hears, proxy(caller)), signal);
    // a signal may have come before the batch
    if (signal.aborted) abort();
    for (;;) {
      const result = unpack(await link.call((host) => host.nextInBatch(batch), signal));
      if (!result) break;
      yield { ...result, item: source.over(result.index) };
    }
    source.throwFailure();
  } finally {
    signal.removeEventListener("abort", abort);
    // whoever leaves the loop leaves the batch
    await link.call((host) => host.endBatch(batch)).catch(() => undefined);
    await source.close();
  }
}
