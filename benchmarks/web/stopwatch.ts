import type { OnnxRuntimeWeb } from "@latentkit/runtime/web";
import type { InferenceSession } from "onnxruntime-common";

/** WebGPU's number for mapping a buffer to read it. */
const READ = 1;

/** Where the time of a page went, in milliseconds, and what came back from the GPU, in bytes. */
export interface Spent {
  /** In `session.run`. */
  run: number;
  /** Until the GPU had done what it was given. */
  waiting: number;
  read: number;
}

/** Counts from now on. */
export function stopwatch(): Spent {
  const spent: Spent = { run: 0, waiting: 0, read: 0 };
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...args) {
    if (args[0] === READ) spent.read += this.size;
    return waited(mapAsync.apply(this, args), spent);
  };
  const { onSubmittedWorkDone } = GPUQueue.prototype;
  GPUQueue.prototype.onSubmittedWorkDone = function () {
    return waited(onSubmittedWorkDone.apply(this), spent);
  };
  return spent;
}

/** A promise that counts the time for which somebody waits for it: waiting begins with `then`. */
function waited<Value>(promise: Promise<Value>, spent: Spent): Promise<Value> {
  const watched = {
    // awaiting is what is measured, and of a promise it does not call `then`
    // biome-ignore lint/suspicious/noThenProperty: see above
    then(...callbacks: Parameters<Promise<Value>["then"]>) {
      const begin = performance.now();
      return promise.finally(() => (spent.waiting += performance.now() - begin)).then(...callbacks);
    },
  };
  return watched as Promise<Value>;
}

type Create = (...args: unknown[]) => Promise<InferenceSession>;
type Run = (...args: unknown[]) => ReturnType<InferenceSession["run"]>;

/** The same library, whose sessions count the time in `run`. */
export function timed(library: OnnxRuntimeWeb, spent: Spent): OnnxRuntimeWeb {
  const { InferenceSession } = library;
  const open = InferenceSession.create.bind(InferenceSession) as Create;
  const create: Create = async (...args) => {
    const session = await open(...args);
    const run = session.run.bind(session) as Run;
    const counted: Run = async (...feeds) => {
      const [begin, before] = [performance.now(), spent.waiting];
      try {
        return await run(...feeds);
      } finally {
        spent.run += performance.now() - begin;
        // what it waited for itself is its own
        spent.waiting = before;
      }
    };
    return Object.assign(session, { run: counted });
  };
  return { ...library, InferenceSession: { ...InferenceSession, create } as OnnxRuntimeWeb["InferenceSession"] };
}
