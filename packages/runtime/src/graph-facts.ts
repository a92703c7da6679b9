import { randomUUID } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type FileOrigin, isUnchanged } from "./file-origin.js";
import type { Machine } from "./machine.js";

const FILE = "network.json";
/** Names of folders that are being written: the network's, a process, and something to tell its attempts apart. */
const DRAFT = /^[0-9a-f]{32}\.(\d+)\.[0-9a-f-]{36}$/;

/** What a kept network was made of, and on which machine. */
export interface GraphFacts {
  readonly machine: Machine;
  readonly origins: readonly FileOrigin[];
  /** Bytes of its weights. */
  readonly size: number;
}

/** The facts about the network in a folder; undefined where there is none, or a broken one. */
export async function readFacts(folder: string): Promise<GraphFacts | undefined> {
  try {
    const facts: unknown = JSON.parse(await readFile(join(folder, FILE), "utf8"));
    return isFacts(facts) ? facts : undefined;
  } catch {
    return undefined;
  }
}

function isFacts(value: unknown): value is GraphFacts {
  const isObject = (part: unknown) => typeof part === "object" && part !== null;
  const { machine, origins, size } = Object(value) as Partial<GraphFacts>;
  return isObject(machine) && Array.isArray(origins) && origins.every(isObject) && typeof size === "number";
}

/** Written last: a folder that has it is whole. */
export async function writeFacts(folder: string, facts: GraphFacts): Promise<void> {
  await writeFile(join(folder, FILE), JSON.stringify(facts));
}

/**
 * Removes the networks of a cache that nobody can open any more, because other files or another ONNX Runtime have taken
 * their place, and what was not written to its end. Whatever else is in the folder stays.
 */
export async function removeStale(cache: string, machine: Machine): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    if (await isStale(folder, machine)) await rm(folder, { recursive: true, force: true });
  }
}

async function isStale(folder: string, { runtime, processor }: Machine): Promise<boolean> {
  const [, writer] = DRAFT.exec(basename(folder)) ?? [];
  if (writer !== undefined) return !isRunning(Number(writer));
  const facts = await readFacts(folder);
  if (!facts) return false;
  // a folder may serve machines of several kinds
  if (facts.machine.processor === processor && facts.machine.runtime !== runtime) return true;
  const unchanged = await Promise.all(facts.origins.map(isUnchanged));
  return unchanged.includes(false);
}

/** A folder to write a network into, before it gets its name. */
export const draftOf = (folder: string): string => `${folder}.${process.pid}.${randomUUID()}`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // a process of another user
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
