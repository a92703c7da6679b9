import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { torchRandom } from "latentkit";
import type { TensorTable } from "./tensor-table.js";

/** What weights are stored as. */
export type StoredType = "fp32" | "fp16";

const BLOCK = 1 << 22;
/** Places that tensors begin at in the block of numbers, far enough apart that none holds what another does. */
const STRIDE = 4099;
const DTYPES = { fp32: { dtype: "F32", bytes: 4 }, fp16: { dtype: "F16", bytes: 2 } } as const;

/** Scales of norms, by the names of Diffusers' folders and of single files. */
const NORM_SCALE = /(norm[^.]*|(in|out)_layers\.0|out\.0|ln_\w+)\.weight$/;

/**
 * Normal values of the size that trained weights have; scales of norms are 1. One block of numbers serves every tensor,
 * from another place on in each: ONNX Runtime would keep equal ones once.
 */
export async function writeTensors(path: string, tensors: TensorTable, type: StoredType = "fp32"): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const noise = torchRandom(0)
    .normal([BLOCK])
    .data.map((value) => value * 0.02);
  const [values, ones] = [noise, new Float32Array(BLOCK).fill(1)].map((numbers) => stored(numbers, type)) as [
    Uint8Array,
    Uint8Array,
  ];
  const { bytes } = DTYPES[type];
  const file = await open(`${path}.part`, "w");
  await file.write(header(tensors, type));
  let index = 0;
  for (const [name, shape] of tensors) {
    const source = NORM_SCALE.test(name) ? ones : values;
    let start = ((index++ * STRIDE) % (BLOCK / 2)) * bytes;
    for (let left = size(shape) * bytes; left > 0; start = 0) {
      const length = Math.min(left, source.length - start);
      await file.write(source, start, length);
      left -= length;
    }
  }
  await file.close();
  await rename(`${path}.part`, path);
}

function stored(numbers: Float32Array, type: StoredType): Uint8Array {
  return type === "fp32" ? new Uint8Array(numbers.buffer) : new Uint8Array(halves(numbers).buffer);
}

/** Float16 bits of normal numbers of moderate size, cut off in place of rounded. */
function halves(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer);
  return Uint16Array.from(numbers, (number, i) => {
    const sign = (bits[i]! >>> 16) & 0x8000;
    return Math.abs(number) < 2 ** -14 ? sign : sign | (((bits[i]! & 0x7fffffff) - (112 << 23)) >>> 13);
  });
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** A safetensors header: its length, then JSON padded to a multiple of 8. */
function header(tensors: TensorTable, type: StoredType): Uint8Array {
  const { dtype, bytes } = DTYPES[type];
  let at = 0;
  const entries = [...tensors].map(([name, shape]) => {
    const begin = at;
    at += bytes * size(shape);
    return [name, { dtype, shape, data_offsets: [begin, at] }];
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}
