import type { ModelFile } from "@latentkit/core";

/** Where bytes lie. */
export interface ByteRange {
  readonly file: ModelFile;
  readonly offset: number;
  readonly length: number;
}

/** A byte range as a file of its own. */
export function rangeFile(name: string, { file, offset, length }: ByteRange): ModelFile {
  return {
    name,
    size: length,
    read: (from = 0, count = length - from) => file.read(offset + from, count),
  };
}
