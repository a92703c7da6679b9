import { type BatchListener, batchListener } from "./batch-listener.js";
import { handedOver } from "./handed-over.js";
import { pack, unpack } from "./parcel.js";
import type { AnyPipeline, PipelineHost, PipelineReference } from "./pipeline-host.js";
import { outcomeOf } from "./worker-outcome.js";

/** A batch under way. */
interface Batch {
  readonly results: ReturnType<AnyPipeline["batch"]>;
  readonly signal: AbortSignal;
  readonly listener: BatchListener;
}

/** The part of a host that makes batches. */
export function hostedBatches(
  pipelineOf: (reference: PipelineReference) => AnyPipeline,
  controllers: Map<number, AbortController>,
): Pick<PipelineHost, "startBatch" | "nextInBatch" | "showInBatch" | "endBatch"> {
  const batches = new Map<number, Batch>();

  function batchOf(id: number): Batch {
    const batch = batches.get(id);
    if (!batch) throw new RangeError("step: the batch is over; show steps before");
    return batch;
  }

  return {
    async startBatch(id, reference, options, hears, caller) {
      const listener = batchListener(caller);
      const controller = new AbortController();
      const { signal } = controller;
      const onError = (error: unknown, { index }: { readonly index: number }) => listener.fail(error, index);
      const outcome = await outcomeOf(async () => {
        const all = { ...unpack(options), ...listener.callbacks(hears), ...(hears.onError && { onError }), signal };
        const results = pipelineOf(reference).batch(listener.prompts(), all);
        batches.set(id, { results, signal, listener });
        controllers.set(id, controller);
      });
      if (!outcome.ok) listener.close();
      return outcome;
    },
    async nextInBatch(id) {
      const { results, signal, listener } = batchOf(id);
      const outcome = await outcomeOf(async () => {
        const { value } = await results.next();
        await listener.settled();
        if (!value) return pack(undefined, "result");
        // the caller knows what it has sent
        const { item: _, ...result } = value;
        return pack(result, "result");
      }, signal);
      return handedOver(outcome);
    },
    showInBatch: async (id, step, options) =>
      handedOver(await outcomeOf(async () => pack(await batchOf(id).listener.step(step).preview(options), "images"))),
    endBatch: (id) =>
      outcomeOf(async () => {
        const batch = batches.get(id);
        await batch?.results.return();
        batch?.listener.close();
        batches.delete(id);
        controllers.delete(id);
      }),
  };
}
