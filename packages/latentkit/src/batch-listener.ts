import type { BatchItem, RunOptions, Step } from "@latentkit/pipelines";
import { releaseProxy } from "comlink";
import type { BatchCaller, Heard } from "./batch-caller.js";
import { pack, unpack } from "./parcel.js";
import { packError, resultOf } from "./worker-outcome.js";

/** The worker's side of a caller of a batch. */
export interface BatchListener {
  /** Prompts as the caller has them. */
  prompts(): AsyncGenerator<BatchItem<RunOptions>, void, undefined>;
  /** Options that call those that the caller has, or that one of its prompts has for itself. */
  callbacks(hears: Heard, place?: number): Partial<RunOptions>;
  fail(error: unknown, index: number): void;
  /** A step that was told of lately. @throws RangeError for others. */
  step(number: number): Step;
  /** Ends when everything has arrived. */
  settled(): Promise<unknown>;
  close(): void;
}

/** Steps that can be shown after they were told of. */
const KEPT_STEPS = 4;

export function batchListener(caller: BatchCaller): BatchListener {
  const steps = new Map<number, Step>();
  const sent: Promise<unknown>[] = [];
  let count = 0;

  const onStep = async (told: Step, place?: number) => {
    const { preview: _, ...step } = told;
    const number = count++;
    steps.set(number, told);
    steps.delete(number - KEPT_STEPS);
    return unpack(resultOf(await caller.step(place, await pack({ number, step }, "step"))));
  };
  const callbacks: BatchListener["callbacks"] = (hears, place) => ({
    ...(hears.onStep && { onStep: (step: Step) => onStep(step, place) }),
    ...(hears.onWarning && { onWarning: (warning: unknown) => void sent.push(caller.warn(place, warning)) }),
  });

  return {
    async *prompts() {
      for (let index = 0; ; index++) {
        const parcel = await caller.take();
        if (!parcel) return;
        const { item, hears } = unpack(parcel);
        yield item instanceof Object ? { ...item, ...callbacks(hears, index) } : item;
      }
    },
    callbacks,
    fail: (error, index) => void sent.push(caller.fail(index, packError(error))),
    step(number) {
      const step = steps.get(number);
      if (!step) throw new RangeError("step: the batch has gone on since; show steps before");
      return step;
    },
    settled: () => Promise.all(sent.splice(0)),
    close: () => caller[releaseProxy]?.(),
  };
}
