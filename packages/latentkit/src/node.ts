import { extname } from "node:path";
import { parentPort, Worker } from "node:worker_threads";
import { adoptExitGate, exitGate } from "@latentkit/runtime/node";
import type { NodeWorker, WorkerScope } from "./worker-link.js";

export { adoptExitGate, exitGate };

/** Starts the script of this package in a thread, which does not keep the process alive. */
export async function startWorker(): Promise<NodeWorker> {
  // imported from a string: a file is refused in a process that was started with --input-type
  exitGate();
  const worker = new Worker(`import(${JSON.stringify(workerFile().href)})`, { eval: true });
  worker.unref();
  return worker;
}

// the worker comes from the same build as this module: .js, .cjs, or the TypeScript source
function workerFile(): URL {
  const extension = extname(new URL(import.meta.url).pathname);
  return new URL(`./pipeline-worker${extension === ".ts" ? ".source.js" : extension}`, import.meta.url);
}

/** A source as a worker finds it: it is in the same folder. */
export const sourceHere = (source: unknown): unknown => source;

/** Where this thread hears its messages. @throws TypeError outside a worker. */
export function workerScope(): WorkerScope {
  if (parentPort) {
    const port = parentPort;
    return { addEventListener: (type, listener) => void port.on(type, (data: unknown) => listener({ data })) };
  }
  throw new TypeError("exposePipeline: expected to be called in a worker, got the main thread; see connect");
}
