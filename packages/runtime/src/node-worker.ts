import { workerData } from "node:worker_threads";
import { expose, transfer } from "comlink";
import { passing } from "./exit-gate.js";
import { passOn } from "./node-download.js";
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

const { port, lock, gate }: ThreadData = workerData;
const host = localHost(loadOnnxRuntime, passOn(loadOnnxRuntime));

function answer<Result>(task: () => Promise<Result>): Promise<Outcome<Result>> {
  return outcomeOf(() => passing(gate, () => whileHolding(lock, task)));
}

function buffers(values: Readonly<Record<string, PackedValue>>): ArrayBufferLike[] {
  return Object.values(values).map(({ data }) => data.buffer);
}

const remote: RemoteHost = {
  probe: (graph, options) => answer(() => host.probe(graph, options)),
  open: (graph, options, files) => answer(() => host.open(graph, options, files)),
  release: (id) => answer(() => host.release(id)),
  keep: (id, feeds, outputs) => answer(() => host.keep(id, feeds, outputs)),
  async read(kept) {
    const outcome = await answer(() => host.read(kept));
    return outcome.ok ? transfer(outcome, [outcome.result.data.buffer]) : outcome;
  },
  drop: (kept) => answer(() => host.drop(kept)),
  async run(id, feeds, outputs) {
    const outcome = await answer(() => host.run(id, feeds, outputs));
    return outcome.ok ? transfer(outcome, buffers(outcome.result)) : outcome;
  },
};

expose(remote, port);
