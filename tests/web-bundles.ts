import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as esbuild from "esbuild";
import * as vite from "vite";
import { root } from "./repository.js";

/** An app as a bundler leaves it. */
export interface Bundle {
  readonly folder: string;
  /** Every module that is part of it. */
  readonly modules: readonly string[];
}

const app = join(root, "tests/web-app");
// the packages' sources in place of what is published of them
const conditions = ["@latentkit/source"];

/** Bundles an app of three lines. */
export async function bundleWithVite(): Promise<Bundle> {
  const folder = await emptyFolder();
  const modules: string[] = [];
  await vite.build({
    configFile: false,
    root: app,
    logLevel: "error",
    resolve: { conditions: [...conditions, ...vite.defaultClientConditions] },
    build: { outDir: folder },
    plugins: [{ name: "modules", moduleParsed: ({ id }) => void modules.push(id) }],
  });
  return { folder, modules };
}

/** The same by esbuild, which copies no files: those that are loaded while the page runs are laid beside the bundle. */
export async function bundleWithEsbuild(): Promise<Bundle> {
  const folder = await emptyFolder();
  const { metafile } = await esbuild.build({
    entryPoints: [join(app, "app.ts")],
    bundle: true,
    format: "esm",
    splitting: true,
    minify: true,
    metafile: true,
    logLevel: "error",
    outdir: join(folder, "assets"),
    conditions,
  });
  const filter = (path: string) => !/\.(ts|js|mjs|map)$/.test(path);
  await cp(join(root, "node_modules/onnxruntime-web/dist"), join(folder, "assets"), { recursive: true, filter });
  await cp(join(root, "packages/tiny-emoji/model"), join(folder, "model"), { recursive: true });
  const page = await readFile(join(app, "index.html"), "utf8");
  await writeFile(join(folder, "index.html"), page.replace("./app.ts", "./assets/app.js"));
  return { folder, modules: Object.keys(metafile.inputs) };
}

function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "latentkit-bundle-"));
}

export function removeBundle({ folder }: Bundle): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
