import { fused, type Operators } from "./operators.js";

// in ONNX Runtime 1.30 MultiHeadAttention is wrong by 0.1 and more on the software driver, for 48 keys and more;
// FusedMatMul it does not have, and would leave the device for each of them
const webgpu: Operators = { ...fused, attention: false, linear: false };

/**
 * The operators that give right results on a device, and give them fast. Graphics cards choose their own way of computing
 * a convolution, and in browsers memory is short: the tiles are loaded where they are of use.
 */
export async function operatorsFor(device: string): Promise<Operators> {
  if (device !== "cpu") return device === "webgpu" ? webgpu : fused;
  const { winogradConvolution } = await import("./winograd.js");
  return { ...fused, convolution: winogradConvolution };
}
