import { LatentKitError, type Tensor } from "@latentkit/core";
import type { BatchItem, BatchOptions, BatchResult, GenerateResult, RunOptions, Step } from "@latentkit/pipelines";
import type { Device } from "@latentkit/runtime";
import type { SchedulerConfig } from "@latentkit/schedulers";
import { isTensor } from "./parcel.js";
import type { PipelineFacts, PipelineReference } from "./pipeline-host.js";
import { remoteBatch } from "./remote-batch.js";
import { remoteRun } from "./remote-run.js";
import type { WorkerLink } from "./worker-link.js";

/** What crosses of a sampler: its configuration. Any `Scheduler` is one. */
export interface SchedulerSettings {
  readonly config: SchedulerConfig;
}

/** Options of a run without those that are functions a worker would have to wait for. */
export type RemoteRunOptions<Options> = Options extends unknown ? Omit<Options, "random" | "guidance"> : never;

/**
 * A pipeline in a worker, with the methods of one on this thread. Options and results are copied, callbacks run here; a
 * `random` source or a `guidance` of your own cannot cross.
 */
export interface RemotePipeline<Options> extends AsyncDisposable {
  /** The class of the pipeline in the worker. */
  readonly name: string;
  /** Where it runs, never `"auto"`. */
  readonly device: Exclude<Device, "auto">;
  /** Why it is this device, and what would make it faster, for people. */
  readonly reason?: string;
  /** The sampler's settings. Assigning another sampler changes the runs that begin afterwards. */
  scheduler: SchedulerSettings;
  /** Draws pictures. @throws TypeError or RangeError for options that are wrong. */
  generate(options: RemoteRunOptions<Options>): Promise<GenerateResult>;
  /**
   * The same run step by step. Leaving the loop ends the run. Options that are wrong are told of by the first step; steps
   * can be shown until another run of the pipeline begins.
   */
  stream(options: RemoteRunOptions<Options>): AsyncGenerator<Step, GenerateResult, Tensor | undefined>;
  /**
   * A picture for each prompt as it comes, in their order; the worker takes prompts from here as it goes, and draws on
   * while the last picture is looked at. Callbacks may be those of all runs, or of one prompt; steps can be shown until the
   * batch has made a few more. Options that are wrong are told of by the first result.
   *
   * @throws TypeError for an `onError` that is no function.
   * @example
   * ```ts
   * const pipe = await createPipelineWorker().fromPretrained();
   * for await (const { index, images } of pipe.batch(["panda", "lemon"], { seed: 1 })) await images[0].save(`${index}.png`);
   * await pipe.dispose();
   * ```
   */
  batch(
    prompts: Iterable<BatchItem<RemoteRunOptions<Options>>> | AsyncIterable<BatchItem<RemoteRunOptions<Options>>>,
    options?: BatchOptions<RemoteRunOptions<Options>>,
  ): AsyncGenerator<BatchResult<RemoteRunOptions<Options>>, void, undefined>;
  /** Frees the pipeline, after the step under way, and ends the worker when no other pipeline is left in it. */
  dispose(): Promise<void>;
}

/** What a pipeline's outside needs. */
export interface RemoteParts {
  readonly link: WorkerLink;
  /** Called once the pipeline is freed. */
  readonly onDispose: (pipe: { dispose(): Promise<void> }) => Promise<void>;
}

/** Pipelines outside, and what they are inside. */
const references = new WeakMap<object, { readonly link: WorkerLink; reference(): PipelineReference }>();

/** What a pipeline is in the worker. @throws TypeError unless it is in this one. */
export function referenceTo(pipe: object, link: WorkerLink): PipelineReference {
  const known = references.get(pipe);
  if (known?.link === link) return known.reference();
  throw new TypeError("pipe: expected a pipeline of the same worker");
}

/** The outside of a pipeline in a worker. */
export function remotePipeline<Options>(
  { id, name, scheduler: settings, device, reason }: PipelineFacts,
  { link, onDispose }: RemoteParts,
): RemotePipeline<Options> {
  let scheduler: SchedulerSettings = { config: settings };
  let isChanged = false;
  let disposal: Promise<void> | undefined;

  function reference(): PipelineReference {
    if (disposal) throw new LatentKitError("disposed", "the pipeline was disposed; open it again with fromPretrained");
    return { id, scheduler: isChanged ? scheduler.config : undefined };
  }

  async function free(): Promise<void> {
    await link.call((host) => host.dispose(id));
    await onDispose(pipe);
  }

  const pipe: RemotePipeline<Options> = {
    name,
    device,
    ...(reason !== undefined && { reason }),
    get scheduler() {
      return scheduler;
    },
    set scheduler({ config }) {
      scheduler = { config: { ...config } };
      isChanged = true;
    },
    async generate(options) {
      const { onStep } = checked(options);
      const run = remoteRun(link, reference(), options, onStep !== undefined);
      let next = await run.next();
      while (!next.done) {
        const changed: unknown = await onStep?.(next.value);
        next = await run.next(isTensor(changed) ? changed : undefined);
      }
      return next.value;
    },
    stream: (options) => remoteRun(link, reference(), checked(options), true),
    batch: (prompts, options = {}) => remoteBatch(link, reference(), prompts, withListener(checked(options))),
    dispose() {
      disposal ??= free();
      return disposal;
    },
    [Symbol.asyncDispose]: () => pipe.dispose(),
  };
  references.set(pipe, { link, reference });
  return pipe;
}

/** For callers without types: `generate("a red apple")`. */
function checked<Options extends RunOptions>(options: Options): RunOptions & Options {
  if (options instanceof Object) return options;
  throw new TypeError(`options: expected an object such as { prompt: "a red apple" }, got ${typeof options}`);
}

/** Whether there is one to tell of failures is all that crosses. */
function withListener<Options extends { readonly onError?: unknown }>(options: Options): Options {
  const { onError } = options;
  if (onError === undefined || typeof onError === "function") return options;
  throw new TypeError(`onError: expected a function, got ${typeof onError}`);
}
