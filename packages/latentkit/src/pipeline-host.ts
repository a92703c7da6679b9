import type { Tensor } from "@latentkit/core";
import type { RgbaImage } from "@latentkit/images";
import { type LoadOptions, openBackend } from "@latentkit/models";
import type * as library from "@latentkit/pipelines";
import type {
  BatchResult,
  GenerateResult,
  Pipeline,
  PipelineComponents,
  PreviewOptions,
  RunOptions,
  Step,
} from "@latentkit/pipelines";
import type { Backend } from "@latentkit/runtime";
import { type SchedulerConfig, schedulerFromConfig } from "@latentkit/schedulers";
import type { BatchCaller, Heard } from "./batch-caller.js";
import { hostedBatches } from "./hosted-batches.js";
import { hostedRuns } from "./hosted-runs.js";
import { type Parcel, unpack } from "./parcel.js";
import { openReports, type Report } from "./report.js";
import { outcomeOf, type WorkerOutcome } from "./worker-outcome.js";

/** A pipeline in the worker, and the sampler that it was given outside since. */
export interface PipelineReference {
  readonly id: number;
  readonly scheduler: SchedulerConfig | undefined;
}

/** Where a pipeline runs. */
export type DeviceFacts = Pick<Backend, "device" | "reason">;

/** What is told of a pipeline outside. */
export interface PipelineFacts extends DeviceFacts {
  readonly id: number;
  /** Its class. */
  readonly name: string;
  readonly scheduler: SchedulerConfig;
}

/** Which kind of pipeline is wanted, and with which sampler when not with the checkpoint's. */
export interface PipelineRequest {
  /** The class. */
  readonly name: string;
  readonly scheduler: SchedulerConfig | undefined;
}

/** A source, and the options that it is opened with. */
export interface SourceRequest extends Pick<LoadOptions, "device"> {
  readonly source?: unknown;
  readonly [option: string]: unknown;
}

/** A moment of a run as it crosses. */
export type Progress =
  | { readonly done: false; readonly step?: Omit<Step, "preview"> }
  | { readonly done: true; readonly result: GenerateResult };

/** What a prompt of a batch gave, without the prompt. */
export type BatchProgress = Omit<BatchResult<RunOptions>, "item">;

/** The worker's side. Calls that can be aborted have a number of the caller's; a run goes by that of its start. */
export interface PipelineHost {
  open(
    call: number,
    kind: PipelineRequest,
    request: Parcel<SourceRequest>,
    report?: Report,
  ): Promise<WorkerOutcome<PipelineFacts>>;
  /** A pipeline of another kind around the parts of one. */
  share(from: PipelineReference, name: string): Promise<WorkerOutcome<PipelineFacts>>;
  /** Settles a run. */
  start(
    run: number,
    pipeline: PipelineReference,
    options: Parcel<object>,
    report?: Report,
  ): Promise<WorkerOutcome<void>>;
  /** One step of a run, from changed latents where there are some; what it gives is left out unless wanted. */
  next(run: number, latents: Parcel<Tensor | undefined>, isWanted: boolean): Promise<WorkerOutcome<Parcel<Progress>>>;
  /** Shows a step of a run. */
  preview(run: number, step: number, options?: PreviewOptions): Promise<WorkerOutcome<Parcel<RgbaImage[]>>>;
  /** Ends a run before its end. */
  end(run: number): Promise<WorkerOutcome<void>>;
  /** Settles a batch, which takes its prompts from the caller. */
  startBatch(
    batch: number,
    pipeline: PipelineReference,
    options: Parcel<object>,
    hears: Heard,
    caller: BatchCaller,
  ): Promise<WorkerOutcome<void>>;
  /** What the next prompt gave; undefined at the end. */
  nextInBatch(batch: number): Promise<WorkerOutcome<Parcel<BatchProgress | undefined>>>;
  /** Shows a step of a batch, by its number among all of them. */
  showInBatch(batch: number, step: number, options?: PreviewOptions): Promise<WorkerOutcome<Parcel<RgbaImage[]>>>;
  /** Ends a batch, also one that is over. */
  endBatch(batch: number): Promise<WorkerOutcome<void>>;
  abort(call: number): void;
  /** Frees a pipeline, after the step under way; one that is gone already is no error. */
  dispose(id: number): Promise<WorkerOutcome<void>>;
}

/** A pipeline of any kind. */
export type AnyPipeline = Pipeline<PipelineComponents, RunOptions>;

/** A class of pipelines, or what opens all of them. */
interface AnyClass {
  fromPretrained(source: unknown, options: object): Promise<AnyPipeline>;
  fromPipe?(pipe: AnyPipeline): AnyPipeline;
}

/** A pipeline, and where it runs. */
interface HeldPipeline {
  readonly pipeline: AnyPipeline;
  readonly device: DeviceFacts;
}

/** Holds pipelines and their runs on this thread. */
export function pipelineHost(classes: typeof library): PipelineHost {
  const held = new Map<number, HeldPipeline>();
  const controllers = new Map<number, AbortController>();
  const pipelineOf = (reference: PipelineReference) => find(reference).pipeline;
  let count = 0;

  function kept(pipeline: AnyPipeline, device: DeviceFacts): PipelineFacts {
    const id = count++;
    held.set(id, { pipeline, device });
    return { id, name: pipeline.constructor.name, scheduler: { ...pipeline.scheduler.config }, ...device };
  }

  function find({ id, scheduler }: PipelineReference): HeldPipeline {
    const found = held.get(id);
    if (!found) throw new RangeError(`pipeline: there is none of number ${id}`);
    if (scheduler) found.pipeline.scheduler = schedulerFromConfig(scheduler);
    return found;
  }

  return {
    async open(call, { name, scheduler }, request, report) {
      const reports = openReports(report);
      const controller = new AbortController();
      const { signal } = controller;
      controllers.set(call, controller);
      const outcome = await outcomeOf(async () => {
        const { source, ...options } = unpack(request);
        const own = scheduler && { scheduler: schedulerFromConfig(scheduler) };
        const backend = await openBackend(options);
        const all = { ...options, ...own, ...reports.callbacks, signal, backend };
        const pipeline = await classNamed(classes, name).fromPretrained(source, all);
        await reports.settled();
        return kept(pipeline, deviceFacts(backend));
      }, signal);
      controllers.delete(call);
      reports.close();
      return outcome;
    },
    share: (from, name) =>
      outcomeOf(async () => {
        const { fromPipe } = classNamed(classes, name);
        if (!fromPipe) throw new TypeError(`name: ${name} is not made of another pipeline; name its class`);
        const { pipeline, device } = find(from);
        return kept(fromPipe(pipeline), device);
      }),
    abort: (call) => controllers.get(call)?.abort(),
    dispose: (id) =>
      outcomeOf(async () => {
        const found = held.get(id);
        held.delete(id);
        await found?.pipeline.dispose();
      }),
    ...hostedRuns(pipelineOf, controllers),
    ...hostedBatches(pipelineOf, controllers),
  };
}

const deviceFacts = ({ device, reason }: Backend): DeviceFacts => ({ device, ...(reason !== undefined && { reason }) });

/** @throws RangeError listing the classes. */
function classNamed(classes: typeof library, name: string): AnyClass {
  const known = Object.entries(classes).flatMap(([key, value]): [string, AnyClass][] =>
    isClass(value) ? [[key, value]] : [],
  );
  const found = known.find(([key]) => key === name)?.[1];
  if (found) return found;
  throw new RangeError(`name: expected one of ${known.map(([key]) => key).join(", ")}, got ${JSON.stringify(name)}`);
}

const isClass = (value: unknown): value is AnyClass => value instanceof Object && "fromPretrained" in value;
