import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at the end. */
export const root: string = fileURLToPath(new URL("../", import.meta.url));

const GENERATED = ["node_modules", "dist", "model", "training"];

/** Files under a folder of the repository, by path from its root; installed and built ones are left out. */
export function filesUnder(folder: string, wanted: RegExp): Record<string, string> {
  if (!existsSync(root + folder)) return {};
  const found = readdirSync(root + folder, { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return GENERATED.includes(entry.name) ? [] : Object.entries(filesUnder(path, wanted));
    return wanted.test(path) ? [[path, readFileSync(root + path, "utf8")]] : [];
  });
  return Object.fromEntries(found);
}
