import type { NdArray } from "ndarray";
import type { Shape, Tensor } from "./tensor.js";

/** A precision in which numbers are drawn. Each is a stream of its own, not the rounded float32 one. */
export type DrawType = "float32" | "float16" | "bfloat16";

/** How to draw. */
export interface DrawOptions {
  /** The values come as float32 whatever this is, which holds all three exactly. @default "float32" */
  readonly dtype?: DrawType | undefined;
}

/** A stream of random numbers; each call continues where the last one ended. */
export interface RandomSource<State = unknown> {
  /** Normal values of mean 0 and variance 1. @throws RangeError for a dtype that the source does not draw. */
  normal(shape: Shape, options?: DrawOptions): Tensor;
  /** Uniform values in [0, 1). @throws RangeError for a dtype that the source does not draw. */
  uniform(shape: Shape, options?: DrawOptions): Tensor;
  /** Integers in [low, high), both within 32 bits. */
  integers(low: number, high: number, shape: Shape): NdArray<Int32Array>;
  /** The state of the stream as plain JSON, from which its maker continues it bit for bit. */
  save(): State;
}
