import { LatentKitError } from "@latentkit/core";
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
export async function readTensor({ name, dtype, offset, length, file }: CheckpointTensor): Promise<Float32Array> {
  const bytes = await file.read(offset, length);
  if (bytes.length !== length) {
    throw new LatentKitError("invalid-checkpoint", `${file.name}: tensor ${name} ends early; download it again`);
  }
  return widen[dtype](new Uint8Array(bytes).buffer);
}

const widen: Record<SafetensorsType, (buffer: ArrayBuffer) => Float32Array> = {
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToFloat),
  BF16: (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
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

/** IEEE 754 binary16: one sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}
