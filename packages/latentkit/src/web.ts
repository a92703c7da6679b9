import type { PageWorker, WorkerScope } from "./worker-link.js";

/** A page leaves without asking its workers. */
export const exitGate = (): undefined => undefined;
export const adoptExitGate = (_gate: unknown): void => {};

/** Starts the script of this package in a Web Worker. */
export async function startWorker(): Promise<PageWorker> {
  return new Worker(new URL("./pipeline-worker.js", import.meta.url), { type: "module" });
}

/** Where this worker hears its messages. @throws TypeError outside a worker. */
export function workerScope(): WorkerScope {
  if (typeof document !== "undefined")
    throw new TypeError("exposePipeline: expected to be called in a worker, got a page; see connect");
  return globalThis;
}
