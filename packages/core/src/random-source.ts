import type { NdArray } from "ndarray";
import type { Shape, Tensor } from "./tensor.js";

/** A stream of random numbers; each call continues where the last one ended. */
export interface RandomSource<State = unknown> {
  /** Normal values of mean 0 and variance 1. */
  normal(shape: Shape): Tensor;
  /** Uniform values in [0, 1). */
  uniform(shape: Shape): Tensor;
  /** Integers in [low, high). */
  integers(low: number, high: number, shape: Shape): NdArray<Int32Array>;
  /** The state of the stream as plain JSON, from which its maker continues it bit for bit. */
  save(): State;
}
