import { existsSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { LatentKitError } from "latentkit";

/** Reads the path of a `.png` file. */
export function outputPath(text: string): string {
  if (extname(text).toLowerCase() !== ".png") throw new InvalidArgumentError("Only .png files are written.");
  return text;
}

/**
 * Where the pictures go: `out.png`, or `out-1.png`, `out-2.png` … for several.
 * Without a path they are named after their seeds, and never after a file that is there.
 */
export function outputPaths(output: string | undefined, seeds: readonly number[]): readonly string[] {
  if (output === undefined) return seeds.map((seed) => freePath(`latentkit-${seed}.png`));
  return seeds.map((_, i) => resolve(seeds.length === 1 ? output : numbered(output, i + 1)));
}

/**
 * Finds out before the work begins whether its result can be kept.
 *
 * @throws LatentKitError with what to do when the folder is missing or closed, or a folder is in the file's place.
 */
export async function checkWritable(file: string): Promise<void> {
  const folder = dirname(file);
  if (!(await isFolder(folder))) {
    throw new LatentKitError("file-not-found", `no such folder: ${folder}; create it first: mkdir -p "${folder}"`);
  }
  if (await isFolder(file)) throw new LatentKitError("run-failed", `${file} is a folder; choose another name`);
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    const message = `cannot write to ${folder}; choose another folder with --output, or check its permissions`;
    throw new LatentKitError("run-failed", message, { cause });
  }
}

function freePath(name: string): string {
  let path = resolve(name);
  for (let i = 2; existsSync(path); i++) path = resolve(numbered(name, i));
  return path;
}

const numbered = (path: string, number: number): string => path.replace(/(\.png)$/i, `-${number}$1`);

async function isFolder(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  return status?.isDirectory() ?? false;
}
