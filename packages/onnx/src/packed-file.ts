import { floatToHalf, halfToFloat, type ModelFile } from "@latentkit/core";
import { blockBytes, blocksOf, type PackedForm, packMatrix } from "./pack-matrix.js";
import { readTensor } from "./read-tensor.js";
import type { CheckpointTensor } from "./safetensors.js";

/** Where a packed matrix lies in its file. */
export interface PackedFile {
  readonly file: ModelFile;
  /** Integers, `[rows, blocks, bytes]`. */
  readonly values: { readonly shape: readonly number[]; readonly offset: number; readonly length: number };
  /** `[rows · blocks]`, after the integers. */
  readonly scales: { readonly shape: readonly number[]; readonly offset: number; readonly length: number };
}

/** What a matrix's scales are stored as. */
export type ScaleType = "float32" | "float16";

const scaleBytes = { float32: 4, float16: 2 };

/**
 * A file that is made while it is read: a matrix `[rows, columns]` of a checkpoint, packed. Nothing of it is kept, so
 * whoever reads it whole reads the matrix once.
 */
export function packedFile(matrix: CheckpointTensor, form: PackedForm, scaleType: ScaleType): PackedFile {
  const [rows = 0, columns = 0] = matrix.shape;
  const blocks = blocksOf(columns, form);
  const length = rows * blocks * blockBytes(form);
  const scalesLength = rows * blocks * scaleBytes[scaleType];
  const file: ModelFile = {
    name: `${matrix.name}.q${form.bits}`,
    size: length + scalesLength,
    madeOf: { file: matrix.file, how: JSON.stringify([matrix.offset, matrix.shape, form, scaleType]) },
    async read(offset = 0, count = length + scalesLength - offset) {
      const bytes = await packedBytes(matrix, form, scaleType);
      return bytes.subarray(offset, offset + count);
    },
  };
  return {
    file,
    values: { shape: [rows, blocks, blockBytes(form)], offset: 0, length },
    scales: { shape: [rows * blocks], offset: length, length: scalesLength },
  };
}

async function packedBytes(matrix: CheckpointTensor, form: PackedForm, scaleType: ScaleType): Promise<Uint8Array> {
  const half = scaleType === "float16";
  const round = half ? (scales: Float32Array) => halfToFloat(floatToHalf(scales)) : undefined;
  const columns = matrix.shape[1] ?? 0;
  const { values, scales } = packMatrix(await readTensor(matrix), columns, form, round);
  const stored = half ? floatToHalf(scales) : scales;
  const bytes = new Uint8Array(values.length + stored.byteLength);
  bytes.set(values);
  bytes.set(new Uint8Array(stored.buffer), values.length);
  return bytes;
}
