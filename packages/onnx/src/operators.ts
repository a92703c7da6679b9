import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Weights } from "./weights.js";

/** What a 3×3 convolution that keeps the size, or doubles it, is computed with. */
export interface ConvolutionOptions {
  readonly outChannels: number;
  /** Whether the convolution is of the picture of twice the size, each pixel repeated. @default false */
  readonly doubled?: boolean;
}

/** Which of ONNX Runtime's own operators, and which faster algorithms, a graph may use. What is not used is spelled out in standard ONNX, as exporters do. */
export interface Operators {
  /** `MultiHeadAttention`: attention without the N×N scores in memory. */
  readonly attention: boolean;
  /** `FusedMatMul`: takes a Linear layer's `[out, in]` weights as they lie. */
  readonly linear: boolean;
  /** `QuickGelu` (also as SiLU) and `Gelu` in one pass. */
  readonly activation: boolean;
  /** An algorithm of its own for 3×3 convolutions of many channels. */
  readonly convolution?:
    | ((g: GraphBuilder, w: Weights, x: GraphValue, options: ConvolutionOptions) => GraphValue)
    | undefined;
}

/** All of ONNX Runtime's own that are faster. */
export const fused: Operators = { attention: true, linear: true, activation: true };

/** Standard ONNX only: the graph that PyTorch's exporter writes, for comparison and for unknown runtimes. */
export const unfused: Operators = { attention: false, linear: false, activation: false };
