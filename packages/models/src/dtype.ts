import {
  type Checkpoint,
  checkQuantization,
  type GraphOptions,
  operatorsFor,
  packingOf,
  type Quantization,
} from "@latentkit/onnx";
import type { Backend } from "@latentkit/runtime";
import type { LoadOptions } from "./load-options.js";

/** What a network computes in, and how its weights are packed. */
export type Dtype = "auto" | "fp32" | "fp16" | "q8" | "q4" | Quantization;

const NAMES: readonly unknown[] = ["auto", "fp32", "fp16", "q8", "q4"];

/** @throws RangeError for a precision that is none. */
export function checkDtype(dtype: unknown): void {
  if (NAMES.includes(dtype)) return;
  if (typeof dtype !== "object" || dtype === null)
    throw new RangeError(`dtype: expected ${NAMES.join(", ")} or { bits, blockSize }, got ${JSON.stringify(dtype)}`);
  const { bits, blockSize, ...others }: { bits?: unknown; blockSize?: unknown } = dtype;
  const [stray] = Object.keys(others);
  if (stray !== undefined) throw new RangeError(`dtype: expected { bits, blockSize }, got ${stray} beside them`);
  checkQuantization({ bits, blockSize }, "dtype.");
}

/** A precision in one word, as exporters put it into the names of files. */
export function dtypeName(dtype: Dtype): string {
  return typeof dtype === "string" ? dtype : `q${dtype.bits}`;
}

/** How to build the graph of a checkpoint for a device. Warns where the precision asked for is not to be had. */
export async function graphOptionsFor(
  { device, float16 = false }: Backend,
  checkpoint: Checkpoint,
  { dtype = "auto", memory = "normal", onWarning }: Pick<LoadOptions, "dtype" | "memory" | "onWarning">,
): Promise<GraphOptions> {
  if (dtype === "fp16" && !float16) {
    const place = device === "webgpu" ? "webgpu without shader-f16" : device;
    const message = `${checkpoint.location}: dtype "fp16" needs a GPU that has it; on ${place} weights are widened to float32 while the network opens`;
    onWarning?.({ code: "ignored-option", message });
  }
  const isHalf = dtype === "fp16" || (dtype !== "fp32" && is16Bit(checkpoint));
  const precision = float16 && isHalf ? "fp16" : "fp32";
  const operators = await operatorsFor(device);
  const quantization = quantizationOf(dtype);
  // tiles take memory, which whoever asks for either has little of
  const isFrugal = memory === "low" || quantization !== undefined;
  return {
    operators: isFrugal ? { ...operators, convolution: undefined } : operators,
    precision,
    packing: quantization && (await packingOf(quantization)),
  };
}

function quantizationOf(dtype: Dtype): Quantization | undefined {
  if (typeof dtype === "object") return dtype;
  if (dtype === "q8") return { bits: 8 };
  return dtype === "q4" ? { bits: 4 } : undefined;
}

/** Whether most of a checkpoint is stored in 16 bits. */
function is16Bit({ tensors }: Checkpoint): boolean {
  let half = 0;
  let all = 0;
  for (const { dtype, length } of tensors.values()) {
    all += length;
    if (dtype === "F16" || dtype === "BF16") half += length;
  }
  return half > all / 2;
}
