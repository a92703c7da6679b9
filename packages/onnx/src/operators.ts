/** Which of ONNX Runtime's own operators a graph may use. What is not used is spelled out in standard ONNX, as exporters do. */
export interface Operators {
  /** `MultiHeadAttention`: attention without the N×N scores in memory. */
  readonly attention: boolean;
  /** `FusedMatMul`: takes a Linear layer's `[out, in]` weights as they lie. */
  readonly linear: boolean;
  /** `QuickGelu` (also as SiLU) and `Gelu` in one pass. */
  readonly activation: boolean;
}

/** Everything that ONNX Runtime's CPU and GPU providers have. */
export const fused: Operators = { attention: true, linear: true, activation: true };

/** Standard ONNX only: the graph that PyTorch's exporter writes, for comparison and for unknown runtimes. */
export const unfused: Operators = { attention: false, linear: false, activation: false };

/** The operators to use on a device. */
export function operatorsFor(_device: string): Operators {
  return fused;
}
