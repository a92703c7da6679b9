import type { LoadOptions } from "@latentkit/models";
import type * as library from "@latentkit/pipelines";
import type { PipelineLoadOptions } from "@latentkit/pipelines";
import { sourceHere } from "latentkit/platform";
import { type Parcel, pack } from "./parcel.js";
import type { PipelineFacts, PipelineRequest, SourceRequest } from "./pipeline-host.js";
import { type RemotePipeline, referenceTo, remotePipeline, type SchedulerSettings } from "./remote-pipeline.js";
import { reportTo } from "./report.js";
import { linkTo, type PipelineThread, type WorkerLink } from "./worker-link.js";

type Library = typeof library;

/** What opens pipelines of a kind, or of all kinds. */
interface Opener {
  fromPretrained(...parameters: never[]): Promise<{ generate(options: never): unknown }>;
}

/** The classes of pipelines, and `"DiffusionPipeline"`, which opens all of them. */
export type PipelineName = {
  [Name in keyof Library]: Library[Name] extends Opener ? Name : never;
}[keyof Library];

/** What `generate` of a class of pipelines takes. */
export type OptionsOf<Name extends PipelineName> = Library[Name] extends {
  fromPretrained(...parameters: never[]): Promise<infer Instance>;
}
  ? Instance extends { generate(options: infer Options): unknown }
    ? Options
    : never
  : never;

/** A model that a worker can open: by its name, path or address, or what a visitor of the page picked. */
export type RemoteSource =
  | string
  | URL
  | File
  | FileList
  | readonly File[]
  | FileSystemFileHandle
  | FileSystemDirectoryHandle
  | undefined;

/** How to open a pipeline in a worker. Networks and backends cannot cross; a sampler can. */
export interface RemoteLoadOptions
  extends Omit<PipelineLoadOptions<Record<never, never>>, "backend" | "without">,
    Pick<LoadOptions, "signal"> {
  /** Used in place of the checkpoint's. */
  readonly scheduler?: SchedulerSettings;
}

/** A class of pipelines in a worker. */
export interface RemotePipelineClass<Name extends PipelineName> {
  /** @throws what `fromPretrained` of the class throws; TypeError for what cannot be sent to a worker. */
  fromPretrained(source?: RemoteSource, options?: RemoteLoadOptions): Promise<RemotePipeline<OptionsOf<Name>>>;
  /** The parts of another pipeline of the same worker in one of this class. They stay the other's to free. */
  fromPipe(pipe: Pick<RemotePipeline<never>, "name" | "device">): Promise<RemotePipeline<OptionsOf<Name>>>;
}

/** Opens pipelines in a worker. */
export interface PipelineWorker extends RemotePipelineClass<"DiffusionPipeline">, AsyncDisposable {
  /** A class of pipelines; `fromPretrained` without one takes the class that the checkpoint names. */
  pipeline<Name extends PipelineName>(name: Name): RemotePipelineClass<Name>;
  /** Frees all pipelines, after the steps under way, and ends the worker. */
  dispose(): Promise<void>;
}

const connected = new WeakMap<PipelineThread, PipelineWorker>();

/**
 * Pipelines in a worker that has called `exposePipeline`: a Web Worker, or one of Node's `worker_threads`. The page stays
 * alive while the worker draws; images, latents and tensors of results are moved rather than copied. The worker ends with
 * its last pipeline, which also is what gives WebAssembly's memory back.
 *
 * @example
 * ```ts
 * const worker = new Worker(new URL("./pipeline.worker.js", import.meta.url), { type: "module" });
 * const pipe = await connect(worker).fromPretrained("stabilityai/sd-turbo", { device: "webgpu" });
 * const { images } = await pipe.generate({ prompt: "a red apple", seed: 42 });
 * await pipe.dispose();
 * ```
 */
export function connect(worker: PipelineThread): PipelineWorker {
  const known = connected.get(worker) ?? pipelineWorker(onlyOnce(() => linkTo(worker)));
  connected.set(worker, known);
  return known;
}

/** The same link each time, also after its end: a worker that was ended does not come back. */
function onlyOnce(open: () => WorkerLink): () => WorkerLink {
  const link = open();
  return () => link;
}

/** What is done with pipelines of any kind. */
type DisposablePipeline = Pick<RemotePipeline<never>, "dispose">;

/** Opens pipelines through links, a new one after the end of the last. */
export function pipelineWorker(open: () => WorkerLink | Promise<WorkerLink>): PipelineWorker {
  const pipes = new Set<DisposablePipeline>();
  let opening = 0;
  let current: Promise<WorkerLink> | undefined;

  async function end(): Promise<void> {
    const link = current;
    current = undefined;
    await (await link)?.stop();
  }

  /** Makes a pipeline there, and its outside here. */
  async function made<Options>(make: (link: WorkerLink) => Promise<PipelineFacts>): Promise<RemotePipeline<Options>> {
    opening++;
    try {
      current ??= Promise.resolve(open());
      const link = await current;
      const pipe = remotePipeline<Options>(await make(link), { link, onDispose });
      pipes.add(pipe);
      return pipe;
    } finally {
      opening--;
    }
  }

  async function onDispose(pipe: DisposablePipeline): Promise<void> {
    pipes.delete(pipe);
    if (pipes.size + opening === 0) await end();
  }

  async function dispose(): Promise<void> {
    await Promise.all([...pipes].map((pipe) => pipe.dispose()));
    await end();
  }

  const pipeline: PipelineWorker["pipeline"] = (name) => ({
    async fromPretrained(source, options = {}) {
      const { signal, onProgress: _progress, onWarning: _warning, scheduler, config, ...rest } = options;
      signal?.throwIfAborted();
      const request = await pack({ source: sourceHere(source), config: sourceHere(config), ...rest }, "");
      const kind = { name, scheduler: scheduler?.config };
      return made((link) => openThere(link, kind, request, options));
    },
    fromPipe: (pipe) => made((link) => link.call((host) => host.share(referenceTo(pipe, link), name))),
  });
  return { ...pipeline("DiffusionPipeline"), pipeline, dispose, [Symbol.asyncDispose]: dispose };
}

async function openThere(
  link: WorkerLink,
  kind: PipelineRequest,
  request: Parcel<SourceRequest>,
  { signal, ...listeners }: RemoteLoadOptions,
): Promise<PipelineFacts> {
  // it may have come while the worker started
  signal?.throwIfAborted();
  const call = link.number();
  const abort = () => link.send((host) => host.abort(call));
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await link.call((host) => host.open(call, kind, request, reportTo(listeners)), signal);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
