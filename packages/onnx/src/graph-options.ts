import type { Operators } from "./operators.js";
import type { Packing } from "./packing.js";

/** What a network computes in: float32, or float16 with float32 where float16 overflows or blurs. */
export type Precision = "fp32" | "fp16";

/** How the graph of a network is built. Its inputs and outputs are float32 in any case. */
export interface GraphOptions {
  /** ONNX Runtime's own operators that the layers may use. @default fused */
  readonly operators?: Operators | undefined;
  /** Weights stored in another type are converted once, while the session opens. @default "fp32" */
  readonly precision?: Precision | undefined;
  /** How the weights of Linear layers are packed. @default not at all */
  readonly packing?: Packing | undefined;
}
