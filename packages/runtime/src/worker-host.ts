import { MessageChannel, Worker } from "node:worker_threads";
import { type Endpoint, type Remote, transfer, wrap } from "comlink";
import { type ExitGate, exitGate, leave } from "./exit-gate.js";
import type { RemoteHost } from "./node-worker.js";
import { type Outcome, resultOf } from "./outcome.js";
import type { FedValue } from "./packed-value.js";
import { createQueue } from "./queue.js";
import { runtimeError } from "./runtime-error.js";
import type { SessionHost } from "./session-host.js";
import { acquire, createThreadLock, isHeld, type ThreadLock } from "./thread-lock.js";

/** What the thread is started with. */
export interface ThreadData {
  readonly port: Endpoint;
  readonly lock: ThreadLock;
  readonly gate: ExitGate;
}

/**
 * Holds sessions on a thread of its own, which starts with the first call and ends with the last session.
 * Calls are made one at a time; between them the thread does not keep the process alive.
 */
export function workerHost(file: URL): SessionHost {
  const queue = createQueue();
  const sessions = new Set<string>();
  let thread: Thread | undefined;

  function call<Result>(use: (remote: Remote<RemoteHost>) => Promise<Outcome<Result>>): Promise<Result> {
    return queue(async () => {
      thread ??= startThread(file, () => {
        thread = undefined;
        sessions.clear();
      });
      return resultOf(await thread.call(use));
    });
  }

  return {
    probe: (graph, options) => call((remote) => remote.probe(graph, options)),
    async open(graph, options, files) {
      const buffers = [...new Set(files.map(({ data }) => data.buffer))];
      const session = await call((remote) => remote.open(graph, options, transfer(files, buffers)));
      sessions.add(session.id);
      return session;
    },
    run(id, feeds, outputs) {
      return call((remote) => remote.run(id, transfer(feeds, buffersOf(feeds)), outputs));
    },
    keep(id, feeds, outputs) {
      return call((remote) => remote.keep(id, transfer(feeds, buffersOf(feeds)), outputs));
    },
    read: (kept) => call((remote) => remote.read(kept)),
    async drop(kept) {
      // with its thread the value is gone
      if (thread) await call((remote) => remote.drop(kept));
    },
    async release(id) {
      if (!sessions.has(id)) return;
      await call((remote) => remote.release(id));
      sessions.delete(id);
      await queue(async () => {
        if (sessions.size === 0) await thread?.stop();
      });
    },
  };
}

const buffersOf = (feeds: Readonly<Record<string, FedValue>>): ArrayBufferLike[] =>
  Object.values(feeds).flatMap((value) => ("data" in value ? [value.data.buffer] : []));

interface Thread {
  call<Result>(use: (remote: Remote<RemoteHost>) => Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

function startThread(file: URL, onEnd: () => void): Thread {
  const { port1, port2 } = new MessageChannel();
  // the DOM has things to transfer that Node lacks: the types differ in nothing else
  const port = port1 as Endpoint;
  const lock = createThreadLock();
  const gate = exitGate();
  // imported from a string: a file is refused in a process that was started with --input-type
  const start = `import(${JSON.stringify(file.href)})`;
  const worker = new Worker(start, { eval: true, workerData: { port: port2, lock, gate }, transferList: [port2] });
  const remote = wrap<RemoteHost>(port);
  // ending a thread inside ONNX Runtime aborts the process: leaving waits for it, and keeps it from going on
  const waitForRun = () => acquire(lock);
  const crashed = new Promise<never>((_, reject) => {
    worker.once("error", (cause) => reject(runtimeError("run-failed", "the session's thread failed", cause)));
    worker.once("exit", (code) => {
      process.off("exit", waitForRun);
      if (isHeld(lock)) leave(gate);
      port1.close();
      onEnd();
      reject(runtimeError("run-failed", "the session's thread ended", `exit code ${code}`));
    });
  });
  crashed.catch(() => undefined);
  process.on("exit", waitForRun);
  keepAlive(false);

  function keepAlive(on: boolean): void {
    for (const handle of [worker, port1]) on ? handle.ref() : handle.unref();
  }

  return {
    async call(use) {
      keepAlive(true);
      try {
        return await Promise.race([use(remote), crashed]);
      } finally {
        keepAlive(false);
      }
    },
    async stop() {
      await worker.terminate();
    },
  };
}
