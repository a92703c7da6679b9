import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds between two signs of life of a lock's owner. */
const heartbeat = 5_000;
/** Milliseconds without one, after which an owner is taken for dead. */
const patience = 30_000;
/** Milliseconds between two looks at a lock of someone else. */
const interval = 200;

/** Who waits for a lock. */
export interface Waiting {
  readonly signal: AbortSignal | undefined;
  /** Called now and then while someone else has the lock. */
  readonly onWait?: () => Promise<void>;
}

/**
 * Runs a task while no other process, and no other call in this one, runs a task under the same lock file. A lock that
 * a dead process left is taken over. Should two ever run at once, their downloads are still checked before they count.
 *
 * @throws `signal.reason` after an abort while waiting.
 */
export async function withLock<T>(path: string, task: () => Promise<T>, waiting: Waiting): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await obtain(path, waiting);
  const alive = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), heartbeat);
  alive.unref();
  try {
    return await task();
  } finally {
    clearInterval(alive);
    await rm(path, { force: true });
  }
}

async function obtain(path: string, { signal, onWait }: Waiting): Promise<void> {
  // clocks of machines differ, so a sign of life is any change, by the clock of this one
  let lastSign = { modified: Number.NaN, at: 0 };
  while (!(await takeLock(path))) {
    signal?.throwIfAborted();
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? Number.NaN;
    if (modified !== lastSign.modified) lastSign = { modified, at: performance.now() };
    const isAbandoned = performance.now() - lastSign.at > patience || (await isOwnerGone(path));
    if (isAbandoned) await rm(path, { force: true });
    else await Promise.all([onWait?.(), sleep(interval)]);
  }
}

async function takeLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(`${process.pid} ${hostname()}`).finally(() => file.close());
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Whether the process that has a lock was one of this machine and is no more. */
async function isOwnerGone(path: string): Promise<boolean> {
  const [pid = "", host] = (await readFile(path, "utf8").catch(() => "")).split(" ");
  return host === hostname() && !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // a process of another user
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
