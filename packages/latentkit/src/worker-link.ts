import { LatentKitError } from "@latentkit/core";
import { type Endpoint, type Remote, wrap } from "comlink";
import { exitGate } from "latentkit/platform";
import type { PipelineHost } from "./pipeline-host.js";
import { resultOf, type WorkerOutcome } from "./worker-outcome.js";

/** A browser's `Worker`, or that of Node's `worker_threads`. */
export type PipelineThread = PageWorker | NodeWorker;

/** What is used of a browser's. */
export interface PageWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "error", listener: (event: { readonly message?: string }) => void): void;
  terminate(): void;
}

/** What is used of Node's. */
export interface NodeWorker {
  // its list of transferable things has types of its own
  postMessage(message: unknown, transfer: readonly never[]): void;
  once(event: "error" | "exit", listener: (cause: unknown) => void): unknown;
  terminate(): Promise<unknown>;
}

/** What a worker hears its messages on. */
export interface WorkerScope {
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/** The message that gives a worker its port. */
export interface Greeting {
  readonly type: "latentkit:connect";
  readonly port: MessagePort;
  /** What Node's threads wait at before the process leaves. */
  readonly gate: unknown;
}

/** A line to the host in a worker. */
export interface WorkerLink {
  /** A number for a call, or a run, that no other has. */
  number(): number;
  /** @throws what the call threw there; the signal's reason when it ended for that; LatentKitError when the worker is gone. */
  call<Result>(
    use: (host: Remote<PipelineHost>) => Promise<WorkerOutcome<Result>>,
    signal?: AbortSignal,
  ): Promise<Result>;
  /** Makes a call that only happens to be heard. */
  send(use: (host: Remote<PipelineHost>) => Promise<void>): void;
  /** Ends the worker at once. Calls under way, and later ones, are refused. */
  stop(): Promise<void>;
}

/** Connects to the host that a worker exposes, and watches whether the worker lives. */
export function linkTo(worker: PipelineThread): WorkerLink {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ type: "latentkit:connect", port: port2, gate: exitGate() } satisfies Greeting, [port2 as never]);
  const host = wrap<PipelineHost>(port1 as Endpoint);
  let isHeard = false;
  const { gone, leave } = watched(worker, () => isHeard);
  let pending = 0;
  let numbers = 0;
  keepAlive(port1, false);

  async function call<Result>(
    use: (host: Remote<PipelineHost>) => Promise<WorkerOutcome<Result>>,
    signal?: AbortSignal,
  ): Promise<Result> {
    if (pending++ === 0) keepAlive(port1, true);
    try {
      const outcome = await Promise.race([gone, use(host)]);
      isHeard = true;
      return resultOf(outcome, signal);
    } finally {
      if (--pending === 0) keepAlive(port1, false);
    }
  }

  return {
    call,
    number: () => numbers++,
    send(use) {
      use(host).catch(() => undefined);
    },
    async stop() {
      leave(new LatentKitError("disposed", "the worker has ended with its last pipeline; start another one"));
      port1.close();
      await worker.terminate();
    },
  };
}

/** A promise that rejects when the worker fails or ends, or is left. A page's worker outlives errors once it works. */
function watched(
  worker: PipelineThread,
  works: () => boolean,
): { readonly gone: Promise<never>; leave(reason: unknown): void } {
  let leave: (reason: unknown) => void = () => {};
  const gone = new Promise<never>((_, reject) => {
    leave = reject;
  });
  gone.catch(() => undefined);
  const fail = (what: string, cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause);
    leave(new LatentKitError("run-failed", `the worker ${what}: ${message}`, { cause }));
  };
  if ("once" in worker) {
    worker.once("error", (cause) => fail("failed", cause));
    worker.once("exit", (code) => fail("ended", `exit code ${String(code)}`));
  } else {
    worker.addEventListener("error", (event) => {
      if (works()) return;
      // one that could not be loaded has no message
      fail("failed", event.message ?? "its script could not be loaded; check its address, and that it is a module");
    });
  }
  return { gone, leave: (reason) => leave(reason) };
}

/** On Node an open port keeps the process alive. */
function keepAlive(port: object, on: boolean): void {
  const method = on ? "ref" : "unref";
  if (method in port) Reflect.get(port, method).call(port);
}
