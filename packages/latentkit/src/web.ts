import type { PageWorker, WorkerScope } from "./worker-link.js";

/** A page leaves without asking its workers. */
export const exitGate = (): undefined => undefined;
export const adoptExitGate = (_gate: unknown): void => {};

/** Starts the script of this package in a Web Worker. */
export async function startWorker(): Promise<PageWorker> {
  return new Worker(new URL("./pipeline-worker.js", import.meta.url), { type: "module" });
}

/** A model's id on the Hub, as no address is. */
const MODEL_ID = /^[\w.-]*\w\/\w[\w.-]*$/;

/** A source as it is meant on this page: what is relative is not so to the worker's script. */
export function sourceHere(source: unknown): unknown {
  if (typeof source !== "string" || source.trim() === "" || URL.canParse(source)) return source;
  if (MODEL_ID.test(source) && !/\.safetensors$/i.test(source)) return source;
  return new URL(source, globalThis.document?.baseURI ?? location.href).href;
}

/** Where this worker hears its messages. @throws TypeError outside a worker. */
export function workerScope(): WorkerScope {
  if (typeof document !== "undefined")
    throw new TypeError("exposePipeline: expected to be called in a worker, got a page; see connect");
  return globalThis;
}
