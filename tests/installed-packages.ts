import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type BuildOptions, build, type OutputFile } from "esbuild";
import type { TestProject } from "vitest/node";
import { root } from "./repository.js";

/** Where the packages are installed for programs that tests run: compiled once, they start in a fraction of the time. */
export const installed: string = join(root, "node_modules/.cache/latentkit-installed");

/** A vitest setup that compiles the packages, before the first run and each time that they have changed. */
export async function setup(project: TestProject): Promise<void> {
  await installPackages();
  project.onTestsRerun(installPackages);
}

async function installPackages(): Promise<void> {
  await Promise.all((await readdir(join(root, "packages"))).map(install));
}

/** Lays a package out as npm does, with modules compiled file by file as they are for publishing. */
async function install(folder: string): Promise<void> {
  const from = join(root, "packages", folder);
  const manifest = await readFile(join(from, "package.json"), "utf8");
  const { name }: { readonly name: string } = JSON.parse(manifest);
  const to = join(installed, "node_modules", name);
  await mkdir(to, { recursive: true });
  const sources = (await readdir(join(from, "src"), { recursive: true })).filter((path) => isModule(path));
  const modules = await compiled({
    entryPoints: sources.map((path) => join(from, "src", path)),
    outdir: join(to, "dist"),
    outbase: join(from, "src"),
  });
  for (const { path, contents } of modules) await writeChanged(path, contents);
  await writeChanged(join(to, "package.json"), new TextEncoder().encode(manifest));
  for (const folder of ["model", "node_modules"]) await link(join(from, folder), join(to, folder));
}

const isModule = (path: string): boolean => path.endsWith(".ts") && !/\.(test|suite|d)\.ts$/.test(path);

/** Compiles a program that imports packages, for Node to run. */
export async function compiledProgram(path: string): Promise<string> {
  const to = join(installed, basename(path).replace(/\.m?ts$/, ".mjs"));
  const [program] = await compiled({ entryPoints: [path] });
  await writeChanged(to, program!.contents);
  return to;
}

async function compiled(options: BuildOptions): Promise<OutputFile[]> {
  const common = { format: "esm", target: "es2022", platform: "neutral", logLevel: "error" } as const;
  const { outputFiles = [] } = await build({ ...common, ...options, write: false });
  return outputFiles;
}

/** Writes a file at once, and only when it is another one: other tests may be reading it. */
async function writeChanged(path: string, contents: Uint8Array): Promise<void> {
  const before = await readFile(path).catch(() => undefined);
  if (before?.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, contents);
  await rename(`${path}.${process.pid}`, path);
}

/** Links a folder where there is one. */
async function link(to: string, path: string): Promise<void> {
  if (!existsSync(to)) return;
  await symlink(to, path, "junction").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
