import { floatToHalf, halfToFloat, type ModelFiles } from "@latentkit/core";
import { readJson } from "@latentkit/hub";
import { openCheckpoint, readTensor } from "@latentkit/onnx";
import { memoryFiles } from "./memory-files.js";
import { safetensorsBytes } from "./safetensors-bytes.js";

/** Float32 values as a type stores them, and the type's name. */
interface Stored {
  readonly dtype: "F16" | "BF16" | "F32";
  readonly bytes: (values: Float32Array) => Uint8Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The upper halves of float32 values: bfloat16, cut off in place of rounded. */
const upper = (values: Float32Array): Uint16Array =>
  Uint16Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length), (bits) => bits >>> 16);

const fromUpper = (halves: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);

type Name = "fp16" | "bf16" | "fp32 of fp16" | "fp32 of bf16";

/** Ways to store a checkpoint: in 16 bits, and widened again to float32. */
export const storedTypes: Readonly<Record<Name, Stored>> = {
  fp16: { dtype: "F16", bytes: (values) => bytesOf(floatToHalf(values)) },
  bf16: { dtype: "BF16", bytes: (values) => bytesOf(upper(values)) },
  "fp32 of fp16": { dtype: "F32", bytes: (values) => bytesOf(halfToFloat(floatToHalf(values))) },
  "fp32 of bf16": { dtype: "F32", bytes: (values) => bytesOf(fromUpper(upper(values))) },
};

/** One network's folder with the same weights, stored otherwise. */
export async function storedAs(
  files: ModelFiles,
  stem: string,
  { dtype, bytes }: Stored,
  location: string = dtype,
): Promise<ModelFiles> {
  const { tensors } = await openCheckpoint(files, stem);
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, tensor] of tensors) {
    const part = bytes(await readTensor(tensor));
    header[name] = { dtype, shape: tensor.shape, data_offsets: [at, at + part.length] };
    parts.push(part);
    at += part.length;
  }
  const config = JSON.stringify(await readJson(files, "config.json"));
  return memoryFiles(
    { "config.json": config, [`${stem}.safetensors`]: safetensorsBytes(header, Buffer.concat(parts)) },
    location,
  );
}
