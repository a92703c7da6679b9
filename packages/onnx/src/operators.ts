/** Which of ONNX Runtime's own operators, and which faster algorithms, a graph may use. What is not used is spelled out in standard ONNX, as exporters do. */
export interface Operators {
  /** `MultiHeadAttention`: attention without the N×N scores in memory. */
  readonly attention: boolean;
  /** `FusedMatMul`: takes a Linear layer's `[out, in]` weights as they lie. */
  readonly linear: boolean;
  /** `QuickGelu` (also as SiLU) and `Gelu` in one pass. */
  readonly activation: boolean;
  /** 3×3 convolutions by tiles (Winograd), which multiply four times less; their weights take four times the memory. */
  readonly convolution: boolean;
}

/** Everything that is fastest in ONNX Runtime's CPU provider. */
export const fused: Operators = { attention: true, linear: true, activation: true, convolution: true };

/** Standard ONNX only: the graph that PyTorch's exporter writes, for comparison and for unknown runtimes. */
export const unfused: Operators = { attention: false, linear: false, activation: false, convolution: false };

/** Graphics cards choose their own way of computing a convolution; in browsers memory is short. */
const elsewhere: Operators = { ...fused, convolution: false };

const byDevice: Readonly<Record<string, Operators>> = {
  cpu: fused,
  // in ONNX Runtime 1.30 MultiHeadAttention is wrong by 0.1 and more on the software driver, for 48 keys and more;
  // FusedMatMul it does not have, and would leave the device for each of them
  webgpu: { ...elsewhere, attention: false, linear: false },
};

/** The operators that give right results on a device, and give them fast. */
export function operatorsFor(device: string): Operators {
  return byDevice[device] ?? elsewhere;
}
