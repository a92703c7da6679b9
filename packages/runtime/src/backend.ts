import type { ModelGraph } from "@latentkit/core";
import type { NdArray } from "ndarray";

/** Where networks run. `"auto"` takes the best one that works. */
export type Device = "auto" | "cpu" | "cuda" | "webgpu" | "dml" | "coreml" | "wasm" | "webnn";

/** Element types that cross the boundary of a session; float16 travels as its bits in a `Uint16Array`. */
export type ValueType = "float32" | "float16" | "int32" | "int64" | "uint8" | "bool";

/** The array that each element type travels in. */
export type ValueData = Float32Array | Uint16Array | Int32Array | BigInt64Array<ArrayBuffer> | Uint8Array;

/** What goes into a session and comes out of it. */
export type Value = NdArray<ValueData>;

/** A session's input or output. A symbolic axis is its name. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType;
  readonly shape: readonly (number | string)[];
}

/** One network, opened. Runs never overlap: a second one waits for the first. */
export interface Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Runs the network; `outputs` names those wanted, all when left out. Feeds are copied at the call.
   *
   * @throws TypeError when a feed is missing, unknown or of another element type.
   * @throws RangeError when a feed's shape does not fit or an output is unknown.
   * @throws LatentKitError `"disposed"`, `"out-of-memory"` or `"run-failed"`.
   */
  run(feeds: Readonly<Record<string, Value>>, outputs?: readonly string[]): Promise<Record<string, Value>>;
  /** Frees the network. Waits for a run under way; a second call does nothing. */
  dispose(): Promise<void>;
}

/** A runtime on one device. */
export interface Backend {
  /** The runtime: `"onnxruntime-node"`, `"onnxruntime-web"`. */
  readonly name: string;
  /** The device in use, never `"auto"`. */
  readonly device: Exclude<Device, "auto">;
  /** Why it is this device, and what would make it faster, for people. */
  readonly reason?: string;
  /** Whether the device computes in float16. @default false */
  readonly float16?: boolean;
  /**
   * Opens a network.
   *
   * @throws LatentKitError `"invalid-checkpoint"` when the runtime refuses it, `"unsupported-model"` for element types
   * that are no `ValueType`, `"out-of-memory"`, `"backend-unavailable"`.
   */
  createSession(model: ModelGraph): Promise<Session>;
}
