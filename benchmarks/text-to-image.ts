// Stable Diffusion 1.5 at full size with random weights, written by the benchmark itself: 4.3 GB, 3.9 GB for exported networks, 4.9 GB for kept graphs.
// usage: npm run benchmark [-- folder]
import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { randomCheckpoint } from "./random-checkpoint.js";
import { median } from "./spread.js";

const ROUNDS = 3;
const run = promisify(execFile);
const script = fileURLToPath(new URL("./measure.ts", import.meta.url));

async function measure(name: string, folder: string): Promise<Record<string, number>> {
  const { stdout } = await run(process.execPath, [...process.execArgv, script, name, folder]);
  return JSON.parse(stdout);
}

async function inTurn(names: readonly string[], folder: string): Promise<Record<string, number>[]> {
  const results: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const pairs: [string, number][] = [];
    for (const name of names) pairs.push([name, (await measure(name, folder)).seconds ?? Number.NaN]);
    results.push(Object.fromEntries(pairs));
  }
  return results;
}

/** Bytes of every weight file of a checkpoint, in GB. */
async function weightsOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    names.filter((name) => name.endsWith(".safetensors")).map(async (name) => (await stat(join(folder, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1e9;
}

function row(what: string, figure: string, limit: string): void {
  console.log(`${what.padEnd(75)} ${figure.padStart(26)}   ${limit}`);
}

const place = process.argv[2] ?? join(tmpdir(), "latentkit-benchmarks", "sd15");
const folder = await randomCheckpoint("sd15", place, "fp32");
const [openOurs, openKept, openExported] = ["open-ours", "open-kept", "open-exported"] as const;
const openings = [openOurs, openKept, openExported];
// writes the export and the graph cache, and brings all files into the page cache
for (const name of openings) await measure(name, folder);
const opens = await inTurn(openings, folder);
const opening = (name: string) => median(opens.map((open) => open[name] ?? Number.NaN));
const exported = opening(openExported);
for (const [name, what, limit] of [
  [openKept, "from the folder to the first step, with graphCache", "wanted: under 1"],
  [openOurs, "the same without", "about 1.2"],
] as const) {
  const ours = opening(name);
  const ratio = (ours / exported).toFixed(2);
  row(`${what}: ours / exported models`, `${ours.toFixed(2)} s / ${exported.toFixed(2)} s = ${ratio}`, limit);
}

const step = await measure("step", folder);
row(
  "guided step, 256×256: ours / exported graph",
  `${step.ours?.toFixed(2)} s / ${step.exported?.toFixed(2)} s = ${step.ratio?.toFixed(2)}`,
  "0.78 to 0.83, wanted: at most 0.80",
);

const outside = await measure("outside", folder);
row(
  "time outside the networks, 4 steps at 256×256",
  `${(100 * (outside.share ?? Number.NaN)).toFixed(2)} %`,
  "wanted: under 0.5 %",
);

const weights = await weightsOf(folder);
const memory = await measure("memory", folder);
row(
  "peak memory, 512×512",
  `${memory.peak?.toFixed(2)} GB, weights ${weights.toFixed(2)} GB`,
  `wanted: at most ${(weights + 1.5).toFixed(2)} GB`,
);
