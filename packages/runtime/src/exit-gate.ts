import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

/**
 * How many runs of ONNX Runtime are under way in the threads of a process, and whether others may begin. Ending a thread
 * inside ONNX Runtime aborts the process, and leaving ends all of them.
 */
export type ExitGate = Int32Array<SharedArrayBuffer>;

const KEY = "latentkit:exit-gate";
const RUNS = 0;
const IS_CLOSED = 1;

/** The gate of this process, which threads inherit from the one that starts them; leaving waits at that of the main thread. */
export function exitGate(): ExitGate {
  const known: unknown = getEnvironmentData(KEY);
  if (isGate(known)) return known;
  const gate = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  setEnvironmentData(KEY, gate);
  if (isMainThread) process.on("exit", () => close(gate));
  return gate;
}

/** Takes a gate over from another thread, for the threads that this one starts. */
export function adoptExitGate(gate: unknown): void {
  if (isGate(gate)) setEnvironmentData(KEY, gate);
}

/** Counts a task as a run. */
export async function passing<Result>(gate: ExitGate, task: () => Promise<Result>): Promise<Result> {
  enter(gate);
  try {
    return await task();
  } finally {
    leave(gate);
  }
}

/** Ends a run's count, or that of a thread that ended during one. */
export function leave(gate: ExitGate): void {
  Atomics.sub(gate, RUNS, 1);
  Atomics.notify(gate, RUNS);
}

function enter(gate: ExitGate): void {
  Atomics.add(gate, RUNS, 1);
  if (Atomics.load(gate, IS_CLOSED) === 0) return;
  leave(gate);
  // the process is leaving: this thread with it
  Atomics.wait(gate, IS_CLOSED, 1);
}

/** Blocks until no run is under way, and lets none begin. */
function close(gate: ExitGate): void {
  Atomics.store(gate, IS_CLOSED, 1);
  for (let runs = Atomics.load(gate, RUNS); runs > 0; runs = Atomics.load(gate, RUNS)) Atomics.wait(gate, RUNS, runs);
}

const isGate = (value: unknown): value is ExitGate =>
  value instanceof Int32Array && value.buffer instanceof SharedArrayBuffer;
