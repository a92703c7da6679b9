import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { linear } from "./linear.js";
import type { UNetEncoderConfig } from "./unet-encoder-config.js";
import type { Weights } from "./weights.js";

/** What attention looks at, `[B, M, heads·d]` each. */
export interface KeysAndValues {
  readonly k: GraphValue;
  readonly v: GraphValue;
}

/** Keys and values of the text for the cross-attention of those weights, of so many features. */
export type TextSource = (w: Weights, width: number) => KeysAndValues;

/** Projections of what is looked at: `[B, M, in]` → `[B, M, width]`. */
export function keysAndValues(g: GraphBuilder, w: Weights, from: GraphValue, width: number): KeysAndValues {
  const project = (name: string) => linear(g, w.at(name), from, { outFeatures: width, bias: false });
  return { k: project("to_k"), v: project("to_v") };
}

/** Projects the text in the graph itself, whose input `encoder_hidden_states` it becomes. */
export function textInside(g: GraphBuilder, config: UNetEncoderConfig): TextSource {
  const context = textInput(g, config);
  return (w, width) => keysAndValues(g, w, context, width);
}

/**
 * Projects the text in a graph of its own, `apart`: each of its outputs is an input of `g` of the same name. Between two
 * steps of a run nothing there changes.
 */
export function textApart(g: GraphBuilder, apart: GraphBuilder, config: UNetEncoderConfig): TextSource {
  const context = textInput(apart, config);
  const passed = (name: string, value: GraphValue) => {
    apart.output(name, value, value.type);
    return g.input(name, value.type, value.shape);
  };
  return (w, width) => {
    const { k, v } = keysAndValues(apart, w, context, width);
    return { k: passed(`${w.path}.to_k`, k), v: passed(`${w.path}.to_v`, v) };
  };
}

/** Declares the input that a text is. */
export function textInput(g: GraphBuilder, { crossAttentionDim }: UNetEncoderConfig): GraphValue {
  return g.floatInput("encoder_hidden_states", ["batch", "length", crossAttentionDim]);
}
