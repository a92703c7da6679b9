import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Stage, StageRequest } from "./network-stages.js";

/** Seconds by stage. */
export type Seconds = Readonly<Partial<Record<Stage, number>>>;

/** Something that runs again and again, in turn with others. */
export interface Runner {
  run(): Promise<Seconds>;
  /** Ends it, and tells the highest memory it had, in GB, where that is known. */
  end(): Promise<number | undefined>;
}

/** Networks to be opened in a process of their own. */
export interface VariantRequest extends StageRequest {
  readonly threads?: number | undefined;
}

/** A program of somebody else's. */
export interface ComparedProgram {
  readonly name: string;
  /** For the shell; it makes one run. */
  readonly command: string;
}

const script = fileURLToPath(new URL("./speed-variant.ts", import.meta.url));

/** Opens the networks of a stage in a process of their own; the first run, which warms up, is made. */
export async function variantRunner(request: VariantRequest): Promise<Runner> {
  const child = fork(script, [JSON.stringify(request)], { execArgv: process.execArgv });
  await answer(child, "seconds");
  const ask = async (message: "run" | "end", key: string) => {
    child.send(message);
    return answer(child, key);
  };
  const run = async () => ({ [request.stage]: await ask("run", "seconds") });
  await run();
  return { run, end: () => ask("end", "peak") };
}

async function answer(child: ChildProcess, key: string): Promise<number> {
  const stopped = new AbortController();
  const ended = once(child, "exit", { signal: stopped.signal }).then(([code]) => {
    throw new Error(`speed-variant.ts: expected an answer, got exit code ${String(code)}`);
  });
  try {
    const [message] = await Promise.race([once(child, "message"), ended]);
    const value: unknown = message?.[key];
    if (typeof value !== "number") throw new TypeError(`speed-variant.ts: expected ${key}, got ${String(value)}`);
    return value;
  } finally {
    stopped.abort();
    ended.catch(() => undefined);
  }
}

/**
 * A program that makes one run each time. What it prints as `step=1.23`, `decode=…` or `text=…` is taken; without any, the
 * time of the whole command is a step's. The environment tells it LATENTKIT_FOLDER and LATENTKIT_SIZE.
 */
export function programRunner(
  { name, command }: ComparedProgram,
  { folder, pixels }: { readonly folder: string; readonly pixels: number },
): Runner {
  const env = { ...process.env, LATENTKIT_FOLDER: folder, LATENTKIT_SIZE: String(pixels) };
  return {
    async run() {
      const begin = performance.now();
      const child = spawn(command, { shell: true, env, stdio: ["ignore", "pipe", "pipe"] });
      const texts = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const)
        child[stream].setEncoding("utf8").on("data", (text: string) => {
          texts[stream] += text;
        });
      const [code] = await once(child, "close");
      const wall = (performance.now() - begin) / 1000;
      if (code !== 0)
        throw new Error(`--compare ${name}: expected exit code 0, got ${String(code)}\n${texts.stderr.slice(-2000)}`);
      return toldSeconds(texts.stdout, wall);
    },
    end: async () => undefined,
  };
}

/** What a program printed, the last of each. */
export function toldSeconds(output: string, wall: number): Seconds {
  const told = [...output.matchAll(/\b(text|step|decode|seconds)=(\d+(?:\.\d+)?)/g)];
  const entries = told.map(([, stage = "", value]) => [stage === "seconds" ? "step" : stage, Number(value)]);
  return told.length > 0 ? Object.fromEntries(entries) : { step: wall };
}
