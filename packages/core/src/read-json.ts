import { LatentKitError } from "./errors.js";
import type { ModelFile } from "./model-files.js";

/**
 * The whole file as UTF-8 text, without a byte order mark.
 *
 * @throws LatentKitError `"invalid-checkpoint"` when it is not UTF-8.
 */
export async function readText(file: ModelFile): Promise<string> {
  const bytes = await file.read();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LatentKitError("invalid-checkpoint", `${file.name} is not UTF-8 text; download it again`, { cause });
  }
}

/**
 * A file that holds one JSON object. The bare words `-Infinity`, `Infinity` and `NaN`, which Python writes into real
 * `scheduler_config.json` files, are read as numbers.
 *
 * @throws LatentKitError `"invalid-checkpoint"` with line and column when it holds anything else.
 * @example
 * ```ts
 * const config = await readJson(file); // { block_out_channels: [320, 640, 1280, 1280], … }
 * ```
 */
export async function readJson(file: ModelFile): Promise<Record<string, unknown>> {
  const value = await parsed(await readText(file), file.name);
  if (isRecord(value)) return value;
  throw new LatentKitError("invalid-checkpoint", `${file.name}: expected a JSON object; download it again`);
}

async function parsed(text: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    // few files are Python's JSON or broken: what reads them is loaded for them
    const { parseJsonFile } = await import("./parse-json.js");
    return parseJsonFile(text, name);
  }
}

/** Whether a parsed JSON value is an object, neither a list nor null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
