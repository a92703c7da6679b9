import { LatentKitError } from "./errors.js";
import type { ModelFile } from "./model-files.js";
import { JsonError, parseJson } from "./parse-json.js";

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
  const text = await readText(file);
  try {
    const value = parseJson(text);
    if (isRecord(value)) return value;
  } catch (cause) {
    const reason = cause instanceof JsonError ? `${place(text, cause.position)}: ${cause.message}` : String(cause);
    const message = `${file.name} is not valid JSON: ${reason}; download it again`;
    throw new LatentKitError("invalid-checkpoint", message, { cause });
  }
  throw new LatentKitError("invalid-checkpoint", `${file.name}: expected a JSON object; download it again`);
}

function place(text: string, position: number): string {
  const lines = text.slice(0, position).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** Whether a parsed JSON value is an object, neither a list nor null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
