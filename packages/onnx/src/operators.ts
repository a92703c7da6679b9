/** Which of ONNX Runtime's own operators a graph may use. What is not used is spelled out in standard ONNX, as exporters do. */
export interface Operators {
  /** `MultiHeadAttention`: attention without the N×N scores in memory. */
  readonly attention: boolean;
  /** `FusedMatMul`: takes a Linear layer's `[out, in]` weights as they lie. */
  readonly linear: boolean;
  /** `QuickGelu` (also as SiLU) and `Gelu` in one pass. */
  readonly activation: boolean;
}

/** Everything that ONNX Runtime's CPU and CUDA providers have. */
export const fused: Operators = { attention: true, linear: true, activation: true };

/** Standard ONNX only: the graph that PyTorch's exporter writes, for comparison and for unknown runtimes. */
export const unfused: Operators = { attention: false, linear: false, activation: false };

const byDevice: Readonly<Record<string, Operators>> = {
  // in ONNX Runtime 1.30 MultiHeadAttention is wrong by 0.1 and more on the software driver, for 48 keys and more
  webgpu: { ...fused, attention: false },
};

/** The operators that give right results on a device. */
export function operatorsFor(device: string): Operators {
  return byDevice[device] ?? fused;
}
