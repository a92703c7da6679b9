import type { ModelFile } from "@latentkit/core";

/** Element types as a safetensors header names them. */
export type SafetensorsType = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U8" | "BOOL";

/** A tensor of a checkpoint: where its bytes lie. */
export interface CheckpointTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  readonly file: ModelFile;
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

export async function readSafetensorsHeader(file: ModelFile): Promise<CheckpointTensor[]> {
  const size = Number(new DataView((await file.read(0, 8)).slice().buffer).getBigUint64(0, true));
  const { __metadata__: _, ...header } = JSON.parse(new TextDecoder().decode(await file.read(8, size)));
  return Object.entries<{ dtype: SafetensorsType; shape: number[]; data_offsets: [number, number] }>(header).map(([name, t]) => ({
    name, dtype: t.dtype, shape: t.shape, file, offset: 8 + size + t.data_offsets[0], length: t.data_offsets[1] - t.data_offsets[0],
  }));
}
