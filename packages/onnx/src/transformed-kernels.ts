import type { ModelFile } from "@latentkit/core";
import { readTensor } from "./read-tensor.js";
import type { CheckpointTensor } from "./safetensors.js";

/**
 * A file that is made while it is read: the 3×3 kernels `[out, in, 3, 3]` of a convolution as G·k·Gᵀ, float32,
 * `[points, out, in]` with G of `[√points, 3]`. Nothing of it is kept, so whoever reads it whole reads the kernels once.
 */
export function transformedKernels(weight: CheckpointTensor, matrix: readonly (readonly number[])[]): ModelFile {
  const [outChannels = 0, inChannels = 0] = weight.shape;
  const size = 4 * matrix.length ** 2 * outChannels * inChannels;
  return {
    name: `${weight.name}.f${matrix.length}`,
    size,
    async read(offset = 0, count = size - offset) {
      const kernels = transform(await readTensor(weight), matrix);
      return new Uint8Array(kernels.buffer).subarray(offset, offset + count);
    },
  };
}

/** G·k·Gᵀ for each nine values of a list; all first points, then all second ones. */
function transform(kernels: Float32Array, matrix: readonly (readonly number[])[]): Float32Array<ArrayBuffer> {
  const side = matrix.length;
  const pairs = kernels.length / 9;
  const transformed = new Float32Array(side * side * pairs);
  const rows = Float64Array.from(matrix.flat());
  const half = new Float64Array(3 * side);
  for (let pair = 0; pair < pairs; pair++) {
    for (let i = 0; i < side; i++)
      for (let column = 0; column < 3; column++) half[3 * i + column] = dot(rows, 3 * i, kernels, 9 * pair + column, 3);
    for (let i = 0; i < side; i++)
      for (let j = 0; j < side; j++) transformed[(i * side + j) * pairs + pair] = dot(half, 3 * i, rows, 3 * j, 1);
  }
  return transformed;
}

/** Three products: of neighbours, and of values that are `stride` apart. */
function dot(a: Float64Array, i: number, b: Float32Array | Float64Array, j: number, stride: number): number {
  return a[i]! * b[j]! + a[i + 1]! * b[j + stride]! + a[i + 2]! * b[j + 2 * stride]!;
}
