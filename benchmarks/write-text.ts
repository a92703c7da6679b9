import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a text file, with its folders. */
export async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Writes a JSON file, with its folders. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeText(path, JSON.stringify(value, null, 2));
