// Full-size networks with random weights, written by the benchmark itself, in each precision: time to open, memory, time for a step.
// usage: npm run benchmark:precision -- [--model sd15|sdxl] [--size 512] [--steps 3] [--dtypes fp32,fp16-stored,q8,q4] [--memory low] [--tile 512] [--single-file] [--folder …]
// Weights take 4.3 GB (sd15 in float32), 2.1 GB (sd15 in float16) or 6.9 GB (sdxl in float16; 13.9 GB in float32, for fp32 only).
import { execFile } from "node:child_process";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { randomCheckpoint } from "./random-checkpoint.js";
import { randomSingleFile } from "./random-single-file.js";
import type { StoredType } from "./random-tensors.js";

const script = fileURLToPath(new URL("./measure-precision.ts", import.meta.url));
const models = {
  sd15: { model: "sd15", original: "sd1" },
  sdxl: { model: "sdxl", original: "sdxl" },
} as const;
/** What is stored, and what it is opened as. */
const precisions: Readonly<Record<string, { readonly stored: StoredType; readonly dtype: unknown }>> = {
  fp32: { stored: "fp32", dtype: "fp32" },
  "fp16-stored": { stored: "fp16", dtype: "auto" },
  q8: { stored: "fp16", dtype: "q8" },
  "q8-128": { stored: "fp16", dtype: { bits: 8, blockSize: 128 } },
  q4: { stored: "fp16", dtype: "q4" },
  "q4-128": { stored: "fp16", dtype: { bits: 4, blockSize: 128 } },
};

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "sd15" },
    size: { type: "string", default: "512" },
    steps: { type: "string", default: "3" },
    dtypes: { type: "string", default: "fp32,fp16-stored,q8,q4" },
    memory: { type: "string", default: "normal" },
    tile: { type: "string" },
    "single-file": { type: "boolean", default: false },
    folder: { type: "string", default: join(tmpdir(), "latentkit-benchmarks") },
  },
});

function known<T>(table: Readonly<Record<string, T>>, name: string, option: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined)
    throw new RangeError(`${option}: expected one of ${Object.keys(table).join(", ")}, got ${name}`);
  return found;
}

const { model, original } = known<(typeof models)["sd15" | "sdxl"]>(models, values.model, "--model");
const write = (stored: StoredType) => {
  const path = join(values.folder, `${values.model}-${stored}`);
  if (values["single-file"]) return randomSingleFile(original, `${path}.safetensors`, stored);
  return randomCheckpoint(model, path, stored);
};
const names = values.dtypes.split(",");
const chosen = names.map((name) => known(precisions, name, "--dtypes"));
const [size, steps] = [Number(values.size), Number(values.steps)];
console.log(
  `${values.model}, ${size}×${size}, guided, on ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
);
console.log(
  "| | open | step | its processor time | decode | peak while opening | peak |\n|---|---|---|---|---|---|---|",
);
for (const [i, { stored, dtype }] of chosen.entries()) {
  const folder = await write(stored);
  const options = {
    dtype,
    memory: values.memory,
    ...(values.tile && { vaeTiling: { tileSize: Number(values.tile) } }),
  };
  const request = JSON.stringify({ folder, options, size, steps });
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, request]);
  const { open, step, cpu, decode, openPeak, peak } = JSON.parse(stdout);
  const seconds = [open, step, cpu, decode].map((value: number) => `${value.toFixed(1)} s`);
  const memory = [openPeak, peak].map((value: number) => `${value.toFixed(1)} GB`);
  console.log(`| ${[names[i], ...seconds, ...memory].join(" | ")} |`);
}
