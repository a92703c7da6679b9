import { GraphBuilder } from "@latentkit/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";

const SIDE = 2048;
/** Larger than any cache. */
const COPIED = 1 << 28;

/** What the machine does at best, at a moment. */
export interface MachineRates {
  /** Floating-point operations per second, in products of large matrices. */
  readonly operations: number;
  /** Bytes per second, read and written, in copies of a large array. */
  readonly bandwidth: number;
}

/** Gets ready to measure products by ONNX Runtime on a device, and copies in the machine's memory. */
export async function rateMeter(device: string, threads: number | undefined): Promise<() => Promise<MachineRates>> {
  const session = await InferenceSession.create(products(chainOf(device)), {
    executionProviders: [device],
    logSeverityLevel: 4,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
  });
  const matrix = new Tensor("float32", new Float32Array(SIDE ** 2).fill(1 / SIDE), [SIDE, SIDE]);
  const [from, to] = [new Float32Array(COPIED / 4).fill(1), new Float32Array(COPIED / 4)];
  await session.run({ a: matrix, b: matrix });
  to.set(from);
  return async () => {
    const multiplying = performance.now();
    await session.run({ a: matrix, b: matrix });
    const operations = (chainOf(device) * 2 * SIDE ** 3) / secondsSince(multiplying);
    const copying = performance.now();
    to.set(from);
    return { operations, bandwidth: (2 * COPIED) / secondsSince(copying) };
  };
}

const secondsSince = (begin: number): number => (performance.now() - begin) / 1000;

/** On a graphics card, as many products as make the way there and back small beside them. */
const chainOf = (device: string): number => (device === "cpu" ? 1 : 64);

/** a·b, as often in a row as asked for. */
function products(count: number): Uint8Array {
  const g = new GraphBuilder("products");
  const [a, b] = ["a", "b"].map((name) => g.input(name, "float32", [SIDE, SIDE])) as [
    ReturnType<typeof g.input>,
    ReturnType<typeof g.input>,
  ];
  let product = a;
  for (let i = 0; i < count; i++) product = g.node("MatMul", [product, b], { shape: [SIDE, SIDE] });
  g.output("c", product);
  return g.build().graph;
}
