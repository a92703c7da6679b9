import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as esbuild from "esbuild";
import * as vite from "vite";
import webpack from "webpack";
import { root } from "./repository.js";

/** An app as a bundler leaves it. */
export interface Bundle {
  readonly folder: string;
  /** Every module that is part of it. */
  readonly modules: readonly string[];
}

/** An app of three lines. */
export interface App {
  /** With `index.html` and `app.ts`. */
  readonly folder: string;
  /** What packages are found by, besides a bundler's own; none where they are found as users find them. */
  readonly conditions: readonly string[];
}

/** The app of this repository, with the packages' sources in place of what is published of them. */
export const sourceApp: App = { folder: join(root, "tests/web-app"), conditions: ["@latentkit/source"] };

/** Bundles an app without configuration. */
export async function bundleWithVite(app: App): Promise<Bundle> {
  const folder = await emptyFolder();
  const modules: string[] = [];
  await vite.build({
    configFile: false,
    root: app.folder,
    logLevel: "error",
    build: { outDir: folder },
    plugins: [{ name: "modules", moduleParsed: ({ id }) => void modules.push(id) }],
    ...(app.conditions.length > 0 && {
      resolve: { conditions: [...app.conditions, ...vite.defaultClientConditions] },
    }),
  });
  return { folder, modules };
}

/** The same by esbuild, which copies no files: those that are loaded while the page runs are laid beside the bundle. */
export async function bundleWithEsbuild(app: App): Promise<Bundle> {
  const folder = await emptyFolder();
  const { metafile } = await esbuild.build({
    entryPoints: [join(app.folder, "app.ts")],
    bundle: true,
    format: "esm",
    splitting: true,
    metafile: true,
    logLevel: "error",
    outdir: join(folder, "assets"),
    ...(app.conditions.length > 0 && { conditions: [...app.conditions] }),
  });
  const filter = (path: string) => !/\.(ts|js|mjs|map)$/.test(path);
  await cp(join(root, "node_modules/onnxruntime-web/dist"), join(folder, "assets"), { recursive: true, filter });
  await cp(join(root, "packages/tiny-emoji/model"), join(folder, "model"), { recursive: true });
  const page = await readFile(join(app.folder, "index.html"), "utf8");
  await writeFile(join(folder, "index.html"), page.replace("./app.ts", "./assets/app.js"));
  return { folder, modules: Object.keys(metafile.inputs) };
}

/** The same by webpack, with what it needs to read TypeScript. */
export async function bundleWithWebpack(app: App): Promise<Bundle> {
  const folder = await emptyFolder();
  const stats = await packed({
    mode: "production",
    context: app.folder,
    entry: "./app.ts",
    output: { path: join(folder, "assets"), filename: "app.js" },
    module: { rules: [{ test: /\.ts$/, use: join(root, "tests/typescript-loader.mjs") }] },
    resolve: {
      extensionAlias: { ".js": [".ts", ".js"] },
      // "..." are webpack's own
      conditionNames: [...app.conditions, "..."],
    },
  });
  const page = await readFile(join(app.folder, "index.html"), "utf8");
  await writeFile(join(folder, "index.html"), page.replace("./app.ts", "./assets/app.js"));
  const { modules = [] } = stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: 10_000 });
  return { folder, modules: modules.flatMap(namesOf) };
}

function packed(configuration: webpack.Configuration): Promise<webpack.Stats> {
  return new Promise((resolve, reject) => {
    webpack(configuration, (error, stats) => {
      if (stats?.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true })));
      else if (stats) resolve(stats);
      else reject(error);
    });
  });
}

/** A module's name, and those of the modules that were joined into it. */
const namesOf = ({ name, modules = [] }: webpack.StatsModule): string[] => [name ?? "", ...modules.flatMap(namesOf)];

/** Modules of a bundle that exist on Node alone. */
export function nodeModulesIn({ modules }: Bundle): string[] {
  const ofNode =
    /^node:|browser-external|node_modules\/(pngjs|sharp|onnxruntime-node|@huggingface\/hub)\/|(src|dist)\/node/;
  return modules.filter((path) => ofNode.test(path));
}

/** A folder of its own for what is built. */
export function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "latentkit-bundle-"));
}

export function removeBundle({ folder }: Pick<Bundle, "folder">): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
