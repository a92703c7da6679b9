import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ndarray, { type NdArray } from "ndarray";
import { expect } from "vitest";

/** The folder of reference data; see `fixtures/README.md` for how it was made. */
export const fixtures: string = fileURLToPath(new URL("../fixtures/", import.meta.url));

type Values =
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>;
type GoldenTensor =
  | NdArray<Float32Array>
  | NdArray<Int32Array>
  | NdArray<BigInt64Array<ArrayBuffer>>
  | NdArray<Uint16Array>;

const views: Record<string, (buffer: ArrayBuffer) => Values> = {
  F32: (buffer) => new Float32Array(buffer),
  I32: (buffer) => new Int32Array(buffer),
  I64: (buffer) => new BigInt64Array(buffer),
  F16: (buffer) => new Uint16Array(buffer),
};

/** All tensors of a reference file under `fixtures/`. The reader under test is `@latentkit/onnx`'s, so this one is apart. */
export function goldenTensors(path: string): Map<string, GoldenTensor> {
  const bytes = readFileSync(fixtures + path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(bytes.subarray(8, start).toString());
  return new Map(
    Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(header).map(([name, entry]) => {
      const [begin, end] = entry.data_offsets;
      const buffer = new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
      return [name, ndarray(views[entry.dtype]!(buffer), entry.shape) as GoldenTensor];
    }),
  );
}

/** One float32 tensor of `goldenTensors`. */
export function golden(tensors: ReturnType<typeof goldenTensors>, name: string): NdArray<Float32Array> {
  const found = tensors.get(name);
  if (!found) throw new Error(`no reference tensor ${name}; there are ${[...tensors.keys()].join(", ")}`);
  if (!(found.data instanceof Float32Array)) throw new TypeError(`reference tensor ${name} is not float32`);
  return found as NdArray<Float32Array>;
}

/** A JSON file under `fixtures/`. */
export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(fixtures + path, "utf8"));
}

/** Largest |a − b|. NaN when any value is. */
export function maxDifference(a: NdArray<Float32Array>, b: NdArray<Float32Array>): number {
  expect(a.shape).toEqual(b.shape);
  return a.data.reduce((worst, value, i) => {
    const difference = Math.abs(value - b.data[i]!);
    return difference <= worst ? worst : difference;
  }, 0);
}
