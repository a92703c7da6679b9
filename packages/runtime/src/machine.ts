import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";

/** What an optimised graph holds good for: a version of ONNX Runtime, and a processor with its instruction sets. */
export interface Machine {
  readonly runtime: string;
  readonly processor: string;
}

/** This one; undefined where ONNX Runtime is not to be found. */
export async function thisMachine(): Promise<Machine | undefined> {
  const runtime = runtimeVersion();
  if (runtime === undefined) return undefined;
  // virtual machines hide the model, not what it can do
  const facts = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const [instructions = ""] = /^(flags|Features)\s*:.*$/m.exec(facts) ?? [];
  return { runtime, processor: [process.platform, process.arch, cpus()[0]?.model, instructions].join(" ") };
}

function runtimeVersion(): string | undefined {
  try {
    const manifest: { version: string } = createRequire(import.meta.url)("onnxruntime-node/package.json");
    return manifest.version;
  } catch {
    return undefined;
  }
}
