import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./repository.js";

/** A folder for modules of ours, from where imports find the packages: below the root's node_modules. */
export async function emptyFolder(name: string): Promise<string> {
  const folder = `${root}node_modules/.cache/latentkit-${name}`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

/** What TypeScript says about the modules of a folder, as strict as a new project has it. */
export async function typeErrors(folder: string, ...declarations: readonly string[]): Promise<string> {
  const config = {
    extends: `${root}tsconfig.json`,
    compilerOptions: {
      noUncheckedIndexedAccess: false,
      exactOptionalPropertyTypes: false,
      declaration: false,
      isolatedDeclarations: false,
    },
    files: declarations,
    include: ["*.mts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = promisify(execFile)(process.execPath, [`${root}node_modules/.bin/tsc`, "--project", folder]);
  return compiler.then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => stdout + stderr,
  );
}
