import type { ModelFile } from "@latentkit/core";
import { safetensorsBytes } from "./safetensors-bytes.js";

/** What a file without its tensors can still hold. */
export interface HeaderOnlyOptions {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Values of single numbers. */
  readonly numbers?: Readonly<Record<string, number>>;
}

/** A `.safetensors` file of any size of which only the header is there: reading tensors fails, but for single numbers. */
export function headerOnlyFile(
  shapes: Readonly<Record<string, readonly number[]>>,
  { name = "model.safetensors", metadata, numbers = {} }: HeaderOnlyOptions = {},
): ModelFile {
  let end = 0;
  const entries = Object.entries({
    ...shapes,
    ...Object.fromEntries(Object.keys(numbers).map((key) => [key, []])),
  }).map(([key, shape]) => {
    const dtype = key in numbers ? "F32" : "F16";
    const begin = end;
    end += shape.reduce((product, length) => product * length, dtype === "F32" ? 4 : 2);
    return [key, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const header = safetensorsBytes({ ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(entries) });
  const values = new Map(entries.map(([key, { data_offsets }]) => [header.length + data_offsets[0], numbers[key]]));
  return {
    name,
    size: header.length + end,
    async read(offset = 0, length = header.length + end - offset) {
      const value = values.get(offset);
      if (value !== undefined && length === 4) return new Uint8Array(Float32Array.of(value).buffer);
      if (offset + length > header.length) throw new Error(`${name}: byte ${offset} of a file without tensors is read`);
      return header.slice(offset, offset + length);
    },
  };
}
