import { LatentKitError } from "@latentkit/core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import type { ValueInfo } from "./backend.js";
import { createFreeBytes } from "./free-bytes.js";
import { copyAs, isValueType, type PackedValue } from "./packed-value.js";
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
    feeds: Readonly<Record<string, PackedValue>>,
    outputs: readonly string[],
  ): Promise<Record<string, PackedValue>>;
  /** Frees a session; one that is gone already is no error. */
  release(id: string): Promise<void>;
}

/** Holds sessions on the thread that calls it. */
export function localHost(load: () => Promise<OnnxRuntime>): SessionHost {
  const sessions = new Map<string, InferenceSession>();
  const freeBytes = createFreeBytes();
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
      sessions.set(id, session);
      return { id, inputs: session.inputMetadata.map(valueInfo), outputs: session.outputMetadata.map(valueInfo) };
    },
    async run(id, feeds, outputs) {
      const runtime = await load();
      const session = sessions.get(id);
      if (session === undefined)
        throw new LatentKitError("run-failed", "the thread of this session has ended: create the session again");
      const tensors = mapValues(feeds, (value) => toTensor(runtime, value));
      const results = await attempt("run-failed", "the network failed", () => session.run(tensors, outputs));
      return mapValues(results, packed);
    },
    async release(id) {
      const session = sessions.get(id);
      sessions.delete(id);
      await session?.release();
    },
  };
  return host;
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

function packed({ type, data, dims }: Tensor): PackedValue {
  if (!isValueType(type) || !ArrayBuffer.isView(data))
    throw new LatentKitError("run-failed", `a result is ${type}, which is not supported`);
  return { type, data: copyAs(type, data), shape: dims };
}
