import { floatToHalf, halfToFloat, type ModelFile } from "@latentkit/core";
import { blockBytes, blocksOf, packMatrix } from "./pack-matrix.js";
import { blockSizes, type Quantization } from "./quantization.js";
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

/** @throws RangeError for bits or a block size that there are none of. */
export function checkQuantization({ bits, blockSize }: Required<Quantization>): void {
  if (bits !== 4 && bits !== 8) throw new RangeError(`bits: expected 4 or 8, got ${bits}`);
  if (!blockSizes.includes(blockSize))
    throw new RangeError(`blockSize: expected one of ${blockSizes.join(", ")}, got ${blockSize}`);
}

/**
 * A file that is made while it is read: a matrix `[rows, columns]` of a checkpoint, packed. Nothing of it is kept, so
 * whoever reads it whole reads the matrix once.
 */
export function packedFile(matrix: CheckpointTensor, quantization: Quantization, scaleType: ScaleType): PackedFile {
  const [rows = 0, columns = 0] = matrix.shape;
  const blocks = blocksOf(columns, quantization);
  const length = rows * blocks * blockBytes(quantization);
  const scalesLength = rows * blocks * scaleBytes[scaleType];
  const file: ModelFile = {
    name: `${matrix.name}.q${quantization.bits}`,
    size: length + scalesLength,
    madeOf: { file: matrix.file, how: JSON.stringify([matrix.offset, matrix.shape, quantization, scaleType]) },
    async read(offset = 0, count = length + scalesLength - offset) {
      const bytes = await packedBytes(matrix, quantization, scaleType);
      return bytes.subarray(offset, offset + count);
    },
  };
  return {
    file,
    values: { shape: [rows, blocks, blockBytes(quantization)], offset: 0, length },
    scales: { shape: [rows * blocks], offset: length, length: scalesLength },
  };
}

async function packedBytes(
  matrix: CheckpointTensor,
  quantization: Quantization,
  scaleType: ScaleType,
): Promise<Uint8Array> {
  const half = scaleType === "float16";
  const round = half ? (scales: Float32Array) => halfToFloat(floatToHalf(scales)) : undefined;
  const columns = matrix.shape[1] ?? 0;
  const { values, scales } = packMatrix(await readTensor(matrix), columns, quantization, round);
  const stored = half ? floatToHalf(scales) : scales;
  const bytes = new Uint8Array(values.length + stored.byteLength);
  bytes.set(values);
  bytes.set(new Uint8Array(stored.buffer), values.length);
  return bytes;
}
