import { concatenate } from "./arithmetic.js";
import { conv2d } from "./conv2d.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { Weights } from "./weights.js";

/** One resolution on the way down: its layers, then a smaller size. Returns every hidden state, for the way up to take. */
export function downWay(
  x: GraphValue,
  layers: number,
  layer: (x: GraphValue, j: number) => GraphValue,
  downsample: ((x: GraphValue) => GraphValue) | undefined,
): GraphValue[] {
  const states: GraphValue[] = [];
  for (let j = 0; j < layers; j++) states.push(layer(states.at(-1) ?? x, j));
  return downsample ? [...states, downsample(states.at(-1) ?? x)] : states;
}

/** Which layers of a resolution there are. */
export interface UpWayOptions {
  /** The first of them; those before it stand for something known. @default 0 */
  readonly begin?: number;
  /** Called with what enters each layer, and the number of the skip connection that it meets. */
  readonly visit?: ((entering: GraphValue, branch: number) => void) | undefined;
}

/**
 * One resolution on the way up: each layer sees the state beside the way down's state of the same size, which it takes
 * off `skips`; then the larger size of the next of them.
 */
export function upWay(
  g: GraphBuilder,
  x: GraphValue,
  skips: GraphValue[],
  layers: number,
  layer: (x: GraphValue, j: number) => GraphValue,
  upsample: (x: GraphValue, like: GraphValue) => GraphValue,
  { begin = 0, visit }: UpWayOptions = {},
): GraphValue {
  let h = x;
  for (let j = begin; j < layers; j++) {
    visit?.(h, skips.length - 1);
    h = layer(concatenate(g, [h, skips.pop()!], 1), j);
  }
  const larger = skips.at(-1);
  return larger ? upsample(h, larger) : h;
}

/** Half the size, by a convolution; without padding of its own, Diffusers pads below and right (`Downsample2D`). */
export function downsampler(g: GraphBuilder, w: Weights, x: GraphValue, pad: number): GraphValue {
  const pads = pad === 0 ? ([0, 0, 1, 1] as const) : ([pad, pad, pad, pad] as const);
  return conv2d(g, w.at("conv"), x, { stride: 2, pads });
}
