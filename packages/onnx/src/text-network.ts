import type { BuiltGraph, GraphBuilder } from "./graph-builder.js";
import { finish, type Network } from "./network.js";
import { textInput } from "./text-source.js";
import type { UNetEncoderConfig } from "./unet-encoder-config.js";
import type { Weights } from "./weights.js";

/** A network that is told a text. */
export interface TextNetwork extends Network {
  /**
   * A graph whose outputs are inputs of the network, in place of `encoder_hidden_states`, which is its own: what it gives
   * for a text serves any number of runs. Where it was asked for, and there is cross-attention.
   */
  readonly text?: BuiltGraph;
}

/** How the graph of a network that is told a text is built. */
export interface TextNetworkOptions {
  /** Whether the keys and values of cross-attention are computed by a graph of their own, `text`. @default false */
  readonly textApart?: boolean | undefined;
}

/** Closes a graph, and the one that its text went into. */
export function finishTextNetwork(
  g: GraphBuilder,
  weights: Weights,
  apart: GraphBuilder | undefined,
  config: UNetEncoderConfig,
): TextNetwork {
  const text = apart?.build();
  if (text?.outputs.length === 0) textInput(g, config);
  return { ...finish(g, weights), ...(text && text.outputs.length > 0 && { text }) };
}
