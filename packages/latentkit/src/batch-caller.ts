import type { Tensor } from "@latentkit/core";
import type { BatchItem, RunOptions, Step } from "@latentkit/pipelines";
import type { releaseProxy } from "comlink";
import { isTensor, type Parcel, pack, unpack } from "./parcel.js";
import type { PromptSource } from "./prompt-source.js";
import { outcomeOf, type PackedError, unpackError, type WorkerOutcome } from "./worker-outcome.js";

/** Which callbacks there are on the caller's side. */
export interface Heard {
  readonly onStep?: boolean;
  readonly onWarning?: boolean;
  readonly onError?: boolean;
}

/** A prompt as it crosses, and the callbacks that it has for itself. */
export interface BatchPrompt {
  readonly item: BatchItem<RunOptions>;
  readonly hears: Heard;
}

/** A step as it crosses. */
export interface BatchStep {
  /** Among all steps of the batch. */
  readonly number: number;
  readonly step: Omit<Step, "preview">;
}

/** What a worker asks of the caller of a batch, and tells. A place is that of a prompt with callbacks of its own. */
export interface BatchCaller {
  /** The next prompt; undefined when there is none. Never rejects. */
  take(): Promise<Parcel<BatchPrompt> | undefined>;
  /** Gives changed latents. */
  step(place: number | undefined, step: Parcel<BatchStep>): Promise<WorkerOutcome<Parcel<Tensor | undefined>>>;
  warn(place: number | undefined, warning: unknown): Promise<void>;
  fail(index: number, error: PackedError): Promise<void>;
  readonly [releaseProxy]?: () => void;
}

interface Callbacks {
  readonly onStep: RunOptions["onStep"];
  readonly onWarning: RunOptions["onWarning"];
}

/** What is called on the caller's side. */
export interface BatchListeners extends Callbacks {
  readonly onError: (error: unknown, index: number) => void;
  /** Shows a step of the batch. */
  readonly preview: (number: number, ...parameters: Parameters<Step["preview"]>) => ReturnType<Step["preview"]>;
  /** Ends the batch with what a callback threw. */
  readonly leave: (reason: unknown) => void;
}

/** The caller's side of a batch. */
export function batchCaller(source: PromptSource<unknown>, listeners: BatchListeners): BatchCaller {
  const listenersAt = (place: number | undefined): Partial<Callbacks> => {
    const item = place === undefined ? undefined : source.at(place);
    return item instanceof Object ? item : listeners;
  };

  async function orLeave(tell: () => void): Promise<void> {
    try {
      tell();
    } catch (error) {
      listeners.leave(error);
    }
  }

  return {
    take: () => source.take(),
    step: (place, parcel) =>
      outcomeOf(async () => {
        const { number, step } = unpack(parcel);
        const preview: Step["preview"] = (options) => listeners.preview(number, options);
        const changed: unknown = await listenersAt(place).onStep?.({ ...step, preview });
        return pack(isTensor(changed) ? changed : undefined, "latents");
      }),
    warn: (place, warning) => orLeave(() => listenersAt(place).onWarning?.(warning as never)),
    fail: (index, error) => orLeave(() => listeners.onError(unpackError(error), index)),
  };
}
