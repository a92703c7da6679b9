import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ModelGraph } from "@latentkit/core";
import { type FileOrigin, originOf } from "./file-origin.js";
import { draftOf, type GraphFacts, readFacts, removeStale, writeFacts } from "./graph-facts.js";
import { thisMachine } from "./machine.js";
import type { SessionOptions } from "./session-host.js";

const MODEL = "model.onnx";
const WEIGHTS = "weights";
/** Bytes from which on a tensor lies beside the graph. */
const LARGE = "1024";

/** A network as ONNX Runtime has optimised it, and the folder that its weights are mapped from. */
export interface KeptGraph {
  readonly graph: Uint8Array;
  readonly folder: string;
}

/** Where a network has its place. */
export interface GraphPlace {
  /** What is there. */
  find(): Promise<KeptGraph | undefined>;
  /** Runs `open`, with options that have ONNX Runtime write what it optimises, and keeps that where the disk has room. @throws what `open` throws. */
  keep<Result>(open: (options: SessionOptions) => Promise<Result>): Promise<Result>;
  /** Removes what is there. */
  clear(): Promise<void>;
}

/** Networks as ONNX Runtime has optimised them for this machine, so that they open without that work. */
export interface GraphCache {
  /** The place of a network; undefined where its weights are in memory alone. */
  placeOf(model: ModelGraph, options: SessionOptions): Promise<GraphPlace | undefined>;
}

/** Beside the caches of other programs. */
export const defaultFolder = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "latentkit", "graphs");

/** Opens the cache in a folder, which need not exist. */
export function graphCache(folder: string): GraphCache {
  const machine = thisMachine();
  return {
    async placeOf(model, options) {
      const origins = await Promise.all(model.externalFiles.map(({ file }) => originOf(file)));
      const known = await machine;
      if (!known || origins.length === 0 || !origins.every((origin) => origin !== undefined)) return undefined;
      const facts = { machine: known, origins };
      const key = createHash("sha256")
        .update(model.graph)
        .update(JSON.stringify([facts, settled(options)]));
      return place(folder, key.digest("hex").slice(0, 32), facts);
    },
  };
}

/** The options that decide what a graph becomes. */
function settled({ intraOpNumThreads: _, ...options }: SessionOptions): SessionOptions {
  return options;
}

/** Whether the weights fit on the disk, also where they become twice as large. */
async function hasRoom(folder: string, origins: readonly FileOrigin[]): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  const sizes = new Map(origins.map(({ path, size }) => [path, size]));
  return bavail * bsize > 2 * [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function place(folder: string, key: string, facts: Omit<GraphFacts, "size">): GraphPlace {
  const kept = join(folder, key);
  return {
    async find() {
      const known = await readFacts(kept);
      if (!known || known.size !== (await weightsSize(kept))) return undefined;
      return { graph: await readFile(join(kept, MODEL)), folder: kept };
    },
    async keep(open) {
      await mkdir(folder, { recursive: true });
      await removeStale(folder, facts.machine);
      if (!(await hasRoom(folder, facts.origins))) return open({});
      const draft = draftOf(kept);
      await mkdir(draft);
      try {
        const result = await open(written(draft));
        await writeFacts(draft, { ...facts, size: await weightsSize(draft) });
        // where another process was faster, its own stays
        await rename(draft, kept).catch(() => undefined);
        return result;
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
    },
    clear: () => rm(kept, { recursive: true, force: true }),
  };
}

/** Bytes; 0 where all weights were small enough for the graph. */
async function weightsSize(folder: string): Promise<number> {
  return (await stat(join(folder, WEIGHTS)).catch(() => undefined))?.size ?? 0;
}

function written(folder: string): SessionOptions {
  return {
    optimizedModelFilePath: join(folder, MODEL),
    extra: {
      session: {
        optimized_model_external_initializers_file_name: WEIGHTS,
        optimized_model_external_initializers_min_size_in_bytes: LARGE,
      },
    },
  };
}
