import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";

/** What an optimised graph holds good for. */
export interface Machine {
  /** Versions of ONNX Runtime and of this library. */
  readonly versions: readonly string[];
  /** The processor, with the instruction sets that ONNX Runtime looks at. */
  readonly processor: string;
}

const INSTRUCTIONS = /\b(avx\w*|fma|f16c|amx\w*|asimd\w*|i8mm|bf16|sve\w*)\b/g;

/** This one; undefined where ONNX Runtime is not to be found. */
export async function thisMachine(): Promise<Machine | undefined> {
  try {
    const versions = ["onnxruntime-node", "@latentkit/runtime"].map(versionOf);
    // virtual machines hide the model, not what it can do
    const facts = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
    const [line = ""] = /^(flags|Features)\s*:.*$/m.exec(facts) ?? [];
    const instructions = [...new Set(line.match(INSTRUCTIONS))].sort();
    const processor = [process.platform, process.arch, cpus()[0]?.model, ...instructions].join(" ");
    return { versions, processor };
  } catch {
    return undefined;
  }
}

function versionOf(name: string): string {
  const { version }: { readonly version: string } = createRequire(import.meta.url)(`${name}/package.json`);
  return version;
}
