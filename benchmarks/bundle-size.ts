// What latentkit adds to a page that draws a picture from a prompt: the scripts that Chromium asks for, minified by Vite and
// compressed, without ONNX Runtime's own, and what else there is to load for who needs it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright";
import * as vite from "vite";
import { chromiumFlags, chromiumPath, chromiumRemedy } from "../tests/chromium.js";
import { fixtures } from "../tests/golden.js";
import { root } from "../tests/repository.js";
import { serveFolders } from "../tests/web-server.js";

/** Bytes, compressed, that are meant to suffice. */
const GOAL = 60_000;

/** A script of the built page. */
interface Script {
  readonly name: string;
  /** Bytes, compressed. */
  readonly size: number;
  /** Names of the scripts that it cannot do without. */
  readonly imports: readonly string[];
  /** Characters of it by package, before it is minified. */
  readonly packages: ReadonlyMap<string, number>;
}

// awaited inside of a function, as pages have it: Vite leaves more and smaller files where a module is waited for
const page = `
import { StableDiffusionPipeline } from "latentkit";
async function draw() {
  const pipe = await StableDiffusionPipeline.fromPretrained("/models/tiny-sd/", { device: "wasm" });
  const { images } = await pipe.generate({ prompt: "a red apple", numInferenceSteps: 1 });
  document.title = images[0].toImageData().width + " pixels";
}
draw();
`;

async function build(folder: string): Promise<Script[]> {
  const source = await mkdtemp(join(root, "examples/.bundle-"));
  try {
    await writeFile(join(source, "index.html"), `<script type="module" src="./app.ts"></script>`);
    await writeFile(join(source, "app.ts"), page);
    const built = await vite.build({
      configFile: false,
      root: source,
      logLevel: "error",
      resolve: { conditions: ["@latentkit/source", ...vite.defaultClientConditions] },
      // Vite's polyfill is in any page that it builds
      build: { outDir: folder, modulePreload: { polyfill: false } },
    });
    const outputs = [built].flat().flatMap((result) => ("output" in result ? result.output : []));
    return outputs.flatMap((output) => (output.type === "chunk" ? [scriptOf(output)] : []));
  } finally {
    await rm(source, { recursive: true });
  }
}

function scriptOf({ fileName, code, imports, modules }: vite.Rollup.OutputChunk): Script {
  const packages = new Map<string, number>();
  for (const [id, { renderedLength }] of Object.entries(modules)) {
    const [, own, other] = /\/packages\/([^/]+)\/|node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id) ?? [];
    const name = own ?? other ?? "page";
    packages.set(name, (packages.get(name) ?? 0) + renderedLength);
  }
  const size = gzipSync(code, { level: 9 }).length;
  return { name: basename(fileName), size, imports: imports.map((path) => basename(path)), packages };
}

/** The scripts that a page asks for until it has drawn. */
async function askedFor(folder: string): Promise<ReadonlySet<string>> {
  if (chromiumPath === undefined) throw new Error(chromiumRemedy);
  const server = await serveFolders({ "/models/": `${fixtures}pipelines/`, "/": folder });
  const browser = await chromium.launch({ executablePath: chromiumPath, args: [...chromiumFlags] });
  try {
    const tab = await browser.newPage();
    await tab.goto(server.url);
    await tab.waitForFunction(() => document.title.endsWith("pixels"));
    return new Set(server.requests.map((path) => basename(path)));
  } finally {
    await browser.close();
    await server.close();
  }
}

/** The parts of a script's size that its packages have, by their share of the text. */
function shares(scripts: readonly Script[]): readonly (readonly [string, number])[] {
  const sizes = new Map<string, number>();
  for (const { size, packages } of scripts) {
    const all = [...packages.values()].reduce((sum, length) => sum + length, 0);
    for (const [name, length] of packages) sizes.set(name, (sizes.get(name) ?? 0) + (size * length) / all);
  }
  return [...sizes].sort(([, a], [, b]) => b - a);
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
const sum = (scripts: readonly Script[]): number => scripts.reduce((total, { size }) => total + size, 0);

/** The scripts but for ONNX Runtime's, and what these alone import. */
function withoutRuntime(scripts: readonly Script[]): Script[] {
  const own = scripts.filter(({ name }) => !name.startsWith("ort."));
  const isOwn = ({ name }: Script) => own.some(({ imports }) => imports.includes(name));
  const isTheirs = ({ name }: Script) => scripts.some(({ imports }) => imports.includes(name));
  return own.filter((script) => isOwn(script) || !isTheirs(script));
}

const folder = await mkdtemp(join(tmpdir(), "latentkit-bundle-size-"));
try {
  const scripts = withoutRuntime(await build(folder));
  const asked = await askedFor(folder);
  const loaded = scripts.filter(({ name }) => asked.has(name));
  const verdict = sum(loaded) <= GOAL ? "within" : "over";
  console.log(
    `${kilobytes(sum(loaded))} for text to image, gzipped (${verdict} the goal of ${kilobytes(GOAL).trim()}):`,
  );
  for (const [name, size] of shares(loaded)) console.log(`${kilobytes(size)}   ${name}`);
  console.log("\nand, when they are needed:");
  for (const { name, size } of scripts.filter(({ name }) => !asked.has(name)))
    console.log(`${kilobytes(size)}   ${name}`);
} finally {
  await rm(folder, { recursive: true });
}
