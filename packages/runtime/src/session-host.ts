import { LatentKitError } from "@latentkit/core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import type { ValueInfo } from "./backend.js";
import { createFreeBytes } from "./free-bytes.js";
import { copyOf, type Download, download, keptTensors, type MadeTensor } from "./kept-tensors.js";
import { type FedValue, isValueType, type KeptReference, type PackedValue } from "./packed-value.js";
import { runtimeError } from "./runtime-error.js";

/** The part of ONNX Runtime that is used. */
export type OnnxRuntime = Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;

/** What ONNX Runtime accepts when a session is created. */
export type SessionOptions = InferenceSession.SessionOptions;

/** A weight file in memory, under the name that the graph uses. */
export interface ExternalBytes {
  readonly path: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A session that a host holds. */
export interface HostedSession {
  readonly id: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** Where sessions live: on this thread or on another. Everything that passes through can be cloned. */
export interface SessionHost {
  /** Opens a network and closes it again, to see whether a device works. */
  probe(graph: Uint8Array, options: SessionOptions): Promise<void>;
  /** Opens a network; `files` are its weights that lie in memory, and the host's own from now on. */
  open(graph: Uint8Array, options: SessionOptions, files: readonly ExternalBytes[]): Promise<HostedSession>;
  run(
    id: string,
    feeds: Readonly<Record<string, FedValue>>,
    outputs: readonly string[],
  ): Promise<Record<string, PackedValue>>;
  /** The same with results that stay here until they are dropped. */
  keep(
    id: string,
    feeds: Readonly<Record<string, FedValue>>,
    outputs: readonly string[],
  ): Promise<Record<string, KeptReference>>;
  /** Copies a value that was kept. */
  read(kept: string): Promise<PackedValue>;
  /** Frees a value that was kept; one that is gone already is no error. */
  drop(kept: string): Promise<void>;
  /** Frees a session; one that is gone already is no error. */
  release(id: string): Promise<void>;
}

/** A session, and the options that it was created with. */
interface Opened {
  readonly session: InferenceSession;
  readonly options: SessionOptions;
  /** Whether runs would go on with what a failed one was fed: ONNX Runtime does not unbind it. */
  isSpoilt: boolean;
}

/** Holds sessions on the thread that calls it. */
export function localHost(load: () => Promise<OnnxRuntime>, fetch: Download = download): SessionHost {
  const sessions = new Map<string, Opened>();
  const values = keptTensors();
  const freeBytes = createFreeBytes();

  async function results(id: string, feeds: Readonly<Record<string, FedValue>>, outputs: readonly string[]) {
    const runtime = await load();
    const opened = usable(sessions.get(id));
    const tensors = mapValues(feeds, (value) =>
      "kept" in value ? values.find(value.kept).tensor : toTensor(runtime, value),
    );
    const found = await attempt("run-failed", "the network failed", () => opened.session.run(tensors, outputs)).catch(
      (error: unknown) => {
        opened.isSpoilt = opened.options.preferredOutputLocation !== undefined;
        throw error;
      },
    );
    return mapValues(found, (tensor): MadeTensor => ({ tensor, options: opened.options }));
  }

  const host: SessionHost = {
    async probe(graph, options) {
      const { id } = await host.open(graph, options, []);
      await host.release(id);
    },
    async open(graph, options, files) {
      const { InferenceSession } = await load();
      const session = await attempt("invalid-checkpoint", "the network cannot be opened", () =>
        InferenceSession.create(graph, files.length === 0 ? options : { ...options, externalData: [...files] }),
      ).finally(() => freeBytes(files.map(({ data }) => data)));
      const id = crypto.randomUUID();
      sessions.set(id, { session, options, isSpoilt: false });
      return { id, inputs: session.inputMetadata.map(valueInfo), outputs: session.outputMetadata.map(valueInfo) };
    },
    async run(id, feeds, outputs) {
      const found = await results(id, feeds, outputs);
      try {
        const copies: Record<string, PackedValue> = {};
        for (const [name, value] of Object.entries(found)) copies[name] = await copyOf(value, fetch);
        return copies;
      } finally {
        for (const { tensor } of Object.values(found)) tensor.dispose();
      }
    },
    keep: async (id, feeds, outputs) => mapValues(await results(id, feeds, outputs), values.keep),
    read: async (kept) => copyOf(values.find(kept), fetch),
    drop: async (kept) => values.drop(kept),
    async release(id) {
      const opened = sessions.get(id);
      sessions.delete(id);
      await opened?.session.release();
    },
  };
  return host;
}

/** @throws LatentKitError unless the session is here, and fit to be run. */
function usable(opened: Opened | undefined): Opened {
  if (opened && !opened.isSpoilt) return opened;
  const reason = opened ? "an earlier run of this session failed" : "the thread of this session has ended";
  throw new LatentKitError("run-failed", `${reason}: create the session again`);
}

/** The same keys with other values. */
export function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

async function attempt<Result>(
  code: "invalid-checkpoint" | "run-failed",
  what: string,
  action: () => Promise<Result>,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw runtimeError(code, what, error);
  }
}

function valueInfo(metadata: InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor || !isValueType(metadata.type)) {
    const type = metadata.isTensor ? metadata.type : "not a tensor";
    throw new LatentKitError(
      "unsupported-model",
      `"${metadata.name}" is ${type}; supported: float32, float16, int32, int64, uint8, bool`,
    );
  }
  const { name, type, shape } = metadata;
  return { name, type, shape: [...shape] };
}

function toTensor({ Tensor }: OnnxRuntime, { type, data, shape }: PackedValue): Tensor {
  const tensor = new Tensor(type, data, shape);
  // where Float16Array exists the tensor becomes one, and onnxruntime-node 1.30 takes that for empty (microsoft/onnxruntime#32323)
  return type === "float16" ? Object.defineProperty(tensor, "data", { value: data }) : tensor;
}
