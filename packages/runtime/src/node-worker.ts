import { workerData } from "node:worker_threads";
import { expose, transfer } from "comlink";
import { loadOnnxRuntime } from "./node-library.js";
import { type Outcome, outcomeOf } from "./outcome.js";
import type { PackedValue } from "./packed-value.js";
import { localHost, type SessionHost } from "./session-host.js";
import { whileHolding } from "./thread-lock.js";
import type { ThreadData } from "./worker-host.js";

/** A host whose calls end in an outcome. */
export type RemoteHost = {
  readonly [Method in keyof SessionHost]: (
    ...parameters: Parameters<SessionHost[Method]>
  ) => Promise<Outcome<Awaited<ReturnType<SessionHost[Method]>>>>;
};

const { port, lock }: ThreadData = workerData;
const host = localHost(loadOnnxRuntime);

function answer<Result>(task: () => Promise<Result>): Promise<Outcome<Result>> {
  return outcomeOf(() => whileHolding(lock, task));
}

function buffers(values: Readonly<Record<string, PackedValue>>): ArrayBufferLike[] {
  return Object.values(values).map(({ data }) => data.buffer);
}

const remote: RemoteHost = {
  probe: (graph, options) => answer(() => host.probe(graph, options)),
  open: (graph, options, files) => answer(() => host.open(graph, options, files)),
  release: (id) => answer(() => host.release(id)),
  async run(id, feeds, outputs) {
    const outcome = await answer(() => host.run(id, feeds, outputs));
    return outcome.ok ? transfer(outcome, buffers(outcome.result)) : outcome;
  },
};

expose(remote, port);
