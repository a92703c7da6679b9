import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ModelGraph } from "@latentkit/core";
import { originOf } from "./file-origin.js";
import { beginDraft, discard } from "./graph-drafts.js";
import { type GraphFacts, readFacts, touchFacts, writeFacts } from "./graph-facts.js";
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
  /** What is there; what is broken is removed. */
  find(): Promise<KeptGraph | undefined>;
  /**
   * Runs `open`, with options that have ONNX Runtime write what it optimises, and keeps that; without them where that
   * fails, or nothing can be kept. @throws what `open` throws.
   */
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
export function defaultFolder(): string {
  const { XDG_CACHE_HOME: caches = "" } = process.env;
  return join(caches === "" ? join(homedir(), ".cache") : caches, "latentkit", "graphs");
}

/** Opens the cache in a folder, which need not exist. */
export function graphCache(folder: string): GraphCache {
  const machine = thisMachine();
  return {
    async placeOf({ graph, externalFiles }, options) {
      const found = await Promise.all(externalFiles.map(({ file }) => originOf(file)));
      const origins = found.flatMap((origin) => origin ?? []);
      const known = await machine;
      if (!known || origins.length === 0 || origins.length < found.length) return undefined;
      const locations = externalFiles.map(({ location }) => location);
      const key = createHash("sha256")
        .update(graph)
        .update(JSON.stringify([known, locations, origins, settled(options)]));
      return place(folder, key.digest("hex").slice(0, 32), { origins });
    },
  };
}

/** The options that decide what a graph becomes. */
function settled({ intraOpNumThreads: _, ...options }: SessionOptions): SessionOptions {
  return options;
}

function place(folder: string, key: string, facts: Omit<GraphFacts, "size">): GraphPlace {
  const kept = join(folder, key);

  async function read(): Promise<KeptGraph | undefined> {
    const { size } = (await readFacts(kept)) ?? {};
    if (size === undefined || size !== (await weightsSize(kept))) return undefined;
    await touchFacts(kept);
    return { graph: await readFile(join(kept, MODEL)), folder: kept };
  }

  return {
    async find() {
      if (!(await exists(kept))) return undefined;
      const found = await read().catch(() => undefined);
      if (!found) await discard(kept);
      return found;
    },
    async keep(open) {
      const draft = (await exists(kept)) ? undefined : await beginDraft(folder, key, facts.origins);
      if (!draft) return open({});
      try {
        const result = await open(written(draft.path));
        await weightsSize(draft.path)
          .then((size) => writeFacts(draft.path, { ...facts, size }))
          .then(() => draft.settle())
          // it is open, if not kept
          .catch(() => draft.discard());
        return result;
      } catch {
        await draft.discard();
        return open({});
      }
    },
    clear: () => discard(kept),
  };
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

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
