import { readdirSync, readFileSync } from "node:fs";
import type { ModelFiles } from "@latentkit/core";
import { fixtures } from "./golden.js";
import { memoryFiles } from "./memory-files.js";

/** A folder under `fixtures/`, read whole: the drivers' own readers are tested elsewhere. */
export function fixtureFiles(folder: string): ModelFiles {
  const names = readdirSync(fixtures + folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = names.map((entry) => `${entry.parentPath}/${entry.name}`);
  const root = `${fixtures}${folder}/`;
  return memoryFiles(Object.fromEntries(paths.map((path) => [path.slice(root.length), readFileSync(path)])), folder);
}
