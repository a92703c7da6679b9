import type { CheckpointTensor } from "./safetensors.js";

/** Rows `from` to `to` (exclusive) of a tensor's first axis, where they lie in its file. */
export function rowsOf(tensor: CheckpointTensor, [from, to]: readonly [number, number]): CheckpointTensor {
  const [rows = 1, ...inner] = tensor.shape;
  const rowBytes = tensor.length / rows;
  const offset = tensor.offset + from * rowBytes;
  return { ...tensor, shape: [to - from, ...inner], offset, length: (to - from) * rowBytes };
}
