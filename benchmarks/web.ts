// What a step costs in a page, in Chromium: time in session.run, time waiting for the GPU, the rest, and bytes read back.
// With a GPU that is none, WebGPU in software, the model is a toy; otherwise it is the embedded one, as on the CPU.
// usage: npm run benchmark:web
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { chromiumFlags, chromiumPath, chromiumRemedy } from "../tests/chromium.js";
import { bundleWithVite, removeBundle } from "../tests/web-bundles.js";
import { serveFolders } from "../tests/web-server.js";
import type { Measured } from "./web/app.js";

const LIMIT = 1_200_000;
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

if (chromiumPath === undefined) throw new Error(`the benchmark ${chromiumRemedy}`);
const bundle = await bundleWithVite({ folder: path("web"), conditions: ["@latentkit/source"] });
const server = await serveFolders({ "/models/": path("../fixtures/pipelines/"), "/": bundle.folder }, isolated);
// --gpu takes the machine's own
const flags = process.argv.includes("--gpu") ? ["--no-sandbox", "--enable-unsafe-webgpu"] : [...chromiumFlags];
const browser = await chromium.launch({ executablePath: chromiumPath, args: flags });

async function measured(query: string): Promise<{ about: string; results: readonly Measured[] }> {
  const page = await browser.newPage();
  const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
  await page.goto(`${server.url}/?${query}`);
  const done = () => document.title.startsWith("{") && document.title;
  const title = await Promise.race([page.waitForFunction(done, null, { timeout: LIMIT }), failed]);
  const found = JSON.parse(String(await title.jsonValue()));
  await page.close();
  return found;
}

function row({ device, kind, step, run, waiting, read }: Measured): string {
  const outside = Math.max(step - run - waiting, 0);
  const cells = [
    device.padEnd(8),
    kind.padEnd(24),
    ...[step, run, waiting, outside].map((time) => time.toFixed(1).padStart(9)),
    ((100 * outside) / step).toFixed(2).padStart(9),
    read.toFixed(0).padStart(10),
  ];
  return cells.join(" ");
}

const heads = ["step", "in run", "waiting", "outside", "outside %"].map((head) => head.padStart(9));
console.log(`${"device".padEnd(8)} ${"what is looked at".padEnd(24)} ${heads.join(" ")} ${"read back".padStart(10)}`);
console.log(`${" ".repeat(33)} ${"ms per step".padStart(9)} ${" ".repeat(49)} ${"bytes".padStart(6)}`);
const toy = "&model=/models/tiny-sd/";
for (const query of [`device=webgpu${process.argv.includes("--gpu") ? "" : toy}`, "device=wasm"]) {
  const { about, results } = await measured(query);
  for (const result of results) console.log(row(result));
  console.log(`         ${about}`);
}
await browser.close();
await server.close();
await removeBundle(bundle);
