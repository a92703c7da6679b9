import { halfToFloat, LatentKitError } from "@latentkit/core";
import type { CheckpointTensor, SafetensorsType } from "./safetensors.js";

/**
 * A tensor's values as float32, whatever they are stored as; for tests and small tensors, since it copies.
 *
 * @throws LatentKitError `"invalid-checkpoint"` when the file has become shorter.
 * @example
 * ```ts
 * const bias = await readTensor(checkpoint.tensors.get("conv_in.bias")!); // Float32Array(320)
 * ```
 */
export async function readTensor(tensor: CheckpointTensor): Promise<Float32Array> {
  const { name, dtype, offset, length, file, transposed = false } = tensor;
  const bytes = await file.read(offset, length);
  if (bytes.length !== length) {
    throw new LatentKitError("invalid-checkpoint", `${file.name}: tensor ${name} ends early; download it again`);
  }
  const values = widen[dtype](new Uint8Array(bytes).buffer);
  return transposed ? turned(values, tensor.shape) : values;
}

/** The rows of a matrix whose columns are given. */
function turned(values: Float32Array, [rows = 0, columns = 0]: readonly number[]): Float32Array {
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!);
}

const widen: Record<SafetensorsType, (buffer: ArrayBuffer) => Float32Array> = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => halfToFloat(new Uint16Array(buffer)),
  BF16: (buffer) => bfloatToFloat(new Uint16Array(buffer)),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  I32: (buffer) => Float32Array.from(new Int32Array(buffer)),
  I16: (buffer) => Float32Array.from(new Int16Array(buffer)),
  I8: (buffer) => Float32Array.from(new Int8Array(buffer)),
  U64: (buffer) => Float32Array.from(new BigUint64Array(buffer), Number),
  U32: (buffer) => Float32Array.from(new Uint32Array(buffer)),
  U16: (buffer) => Float32Array.from(new Uint16Array(buffer)),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer)),
  BOOL: (buffer) => Float32Array.from(new Uint8Array(buffer)),
};

/** Bfloat16 is the upper half of a float32. */
function bfloatToFloat(upper: Uint16Array): Float32Array {
  const bits = new Uint32Array(upper.length);
  for (let i = 0; i < upper.length; i++) bits[i] = upper[i]! << 16;
  return new Float32Array(bits.buffer);
}
