import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FileOrigin, isOrigin } from "./file-origin.js";

const FILE = "network.json";

/** What a kept network was made of. */
export interface GraphFacts {
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
  const { origins, size }: Partial<GraphFacts> = Object(value);
  return Array.isArray(origins) && origins.every(isOrigin) && typeof size === "number";
}

/** Written last: a folder that has it is whole. */
export async function writeFacts(folder: string, facts: GraphFacts): Promise<void> {
  await writeFile(join(folder, FILE), JSON.stringify(facts));
}

/** Notes that the network was opened. */
export async function touchFacts(folder: string): Promise<void> {
  const now = new Date();
  // a cache may lie on a disk that cannot be written
  await utimes(join(folder, FILE), now, now).catch(() => undefined);
}
