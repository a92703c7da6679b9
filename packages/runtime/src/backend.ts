import type { LatentKitError, ModelGraph } from "@latentkit/core";
import type { NdArray } from "ndarray";

/** Where networks run. `"auto"` takes the best one that works. */
export type Device = "auto" | "cpu" | "cuda" | "webgpu" | "dml" | "coreml" | "wasm" | "webnn";

/** Element types that cross the boundary of a session; float16 travels as its bits in a `Uint16Array`. */
export type ValueType = "float32" | "float16" | "int32" | "int64" | "uint8" | "bool";

/** The array that each element type travels in. */
export type ValueData = Float32Array | Uint16Array | Int32Array | BigInt64Array<ArrayBuffer> | Uint8Array;

/** What goes into a session and comes out of it. */
export type Value = NdArray<ValueData>;

/** A value that stays where networks run: what a session of the same backend is fed without a copy. */
export interface KeptValue {
  readonly type: ValueType;
  readonly shape: readonly number[];
  /** Copies it to this side. @throws LatentKitError `"device-lost"`, `"out-of-memory"` or `"run-failed"`. */
  read(): Promise<Value>;
  /** Frees it. A second call does nothing, nor does one after the device was lost. */
  dispose(): Promise<void>;
}

/** What a session is fed: values by the names of its inputs. */
export type Feeds = Readonly<Record<string, Value | KeptValue>>;

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
   * Runs the network; `outputs` names those wanted, all when left out. Feeds are copied at the call, but for those that
   * are there already.
   *
   * @throws TypeError when a feed is missing, unknown or of another element type.
   * @throws RangeError when a feed's shape does not fit or an output is unknown.
   * @throws LatentKitError `"disposed"`, `"out-of-memory"`, `"device-lost"`, also for feeds that are gone with their
   * device, or `"run-failed"`.
   */
  run(feeds: Feeds, outputs?: readonly string[]): Promise<Record<string, Value>>;
  /**
   * The same with results that stay where the network runs, for the caller to free. Only sessions that were opened so
   * have it.
   */
  keep?(feeds: Feeds, outputs?: readonly string[]): Promise<Record<string, KeptValue>>;
  /** Frees the network. Waits for a run under way; a second call does nothing. */
  dispose(): Promise<void>;
}

/** How a network is opened. */
export interface SessionRequest {
  /** Whether its results may stay where it runs, so that the session has `keep`. @default false */
  readonly keeps?: boolean;
}

/** How the backend of a platform is made. */
export interface BackendOptions {
  readonly device?: Device;
  /** Whether, or in which folder, networks are kept as they were optimised; browsers keep none. */
  readonly graphCache?: boolean | string;
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
  /** Whether values are better left where networks run, because fetching them costs: on a GPU. @default false */
  readonly keepsValues?: boolean;
  /**
   * Tells when networks are opened again, because their device was lost or a run failed; gives what ends the telling.
   * Runs that were under way are made again.
   */
  onReopen?(listener: (error: LatentKitError) => void): () => void;
  /**
   * Opens a network; after its device was lost, on another one.
   *
   * @throws LatentKitError `"invalid-checkpoint"` when the runtime refuses it, `"unsupported-model"` for element types
   * that are no `ValueType`, `"out-of-memory"`, `"backend-unavailable"`.
   */
  createSession(model: ModelGraph, request?: SessionRequest): Promise<Session>;
}
