import type { Session } from "@latentkit/runtime";
import { LazySession, type RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";

const MEMORY: readonly unknown[] = ["normal", "low"];

/** @throws RangeError for an amount of memory that is none. */
export function checkMemory(memory: unknown): void {
  if (!MEMORY.includes(memory))
    throw new RangeError(`memory: expected one of ${MEMORY.join(", ")}, got ${JSON.stringify(memory)}`);
}

/** Opens a network: at once, or where memory is low when it is run, for a runner to release it afterwards. */
export async function openSession(
  open: () => Promise<Session>,
  names: Pick<RunnerSession, "inputs" | "outputs">,
  { memory = "normal" }: Pick<LoadOptions, "memory">,
): Promise<RunnerSession> {
  return memory === "low" ? new LazySession(open, names) : open();
}
