import { elementTypes } from "@latentkit/core";
import { type Activation, activate, activations } from "./activation.js";
import { add } from "./arithmetic.js";
import { attention } from "./attention.js";
import type { Checkpoint } from "./checkpoint.js";
import { ConfigReader } from "./config-reader.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { linear, timesTransposed } from "./linear.js";
import { finish, type Network } from "./network.js";
import { layerNorm } from "./normalization.js";
import { Weights } from "./weights.js";

/** What shapes a CLIP text tower (`text_encoder/config.json`). */
export interface CLIPTextConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Width of `text_embeds`, where the checkpoint has a projection. */
  readonly projectionDim: number;
  readonly layers: number;
  readonly heads: number;
  /** Longest sequence of ids, 77 in every released Stable Diffusion. */
  readonly maxPositions: number;
  readonly layerNormEpsilon: number;
  readonly activation: Activation;
  /** Where the pooled output is read: at the first id equal to it. Undefined: at the highest id, as files with the historic value 2 need. */
  readonly eosTokenId: number | undefined;
}

const LEGACY_EOS = 2;
const LOWEST = { float32: -3.4028234663852886e38, float16: -65504 };

/** Reads `text_encoder/config.json`. */
export function clipTextConfig(json: unknown, file = "text_encoder/config.json"): CLIPTextConfig {
  const read = new ConfigReader(json, file);
  const eosTokenId = read.count("eos_token_id", LEGACY_EOS);
  return {
    vocabSize: read.count("vocab_size", 49408),
    hiddenSize: read.count("hidden_size", 512),
    intermediateSize: read.count("intermediate_size", 2048),
    projectionDim: read.count("projection_dim", 512),
    layers: read.count("num_hidden_layers", 12),
    heads: read.count("num_attention_heads", 8),
    maxPositions: read.count("max_position_embeddings", 77),
    layerNormEpsilon: read.number("layer_norm_eps", 1e-5),
    activation: read.oneOf("hidden_act", activations, "quick_gelu"),
    eosTokenId: eosTokenId === LEGACY_EOS ? undefined : eosTokenId,
  };
}

/**
 * The text tower of CLIP (Radford et al. 2021, §2.4; transformers' `CLIPTextModel`).
 *
 * Inputs: `input_ids` int32 `[batch, length]`, `attention_mask` int32 of that shape (1 = look at it).
 * Outputs: `last_hidden_state` `[batch, length, width]`, `pooler_output` `[batch, width]`, `hidden_states.0` (the embeddings)
 * to `hidden_states.N` (before the final norm), `normed_states.i` (the final norm of each but the last), `text_embeds` `[batch, projection]` where the checkpoint has a projection.
 */
export function clipTextModel(checkpoint: Checkpoint, config: CLIPTextConfig, options?: GraphOptions): Network {
  const g = new GraphBuilder("clip-text-model", options);
  const weights = new Weights(checkpoint);
  const w = weights.at("text_model");
  const ids = g.input("input_ids", "int32", ["batch", "length"]);
  const bias = attentionBias(g, g.input("attention_mask", "int32", ["batch", "length"]));
  const finalNorm = (x: GraphValue) => layerNorm(g, w.at("final_layer_norm"), x, config.layerNormEpsilon);
  let hidden = embeddings(g, w.at("embeddings"), ids, config);
  for (let i = 0; i < config.layers; i++) {
    g.output(`hidden_states.${i}`, hidden);
    g.output(`normed_states.${i}`, finalNorm(hidden));
    hidden = encoderLayer(g, w.at(`encoder.layers.${i}`), hidden, bias, config);
  }
  g.output(`hidden_states.${config.layers}`, hidden);
  const last = finalNorm(hidden);
  g.output("last_hidden_state", last);
  const pooled = pool(g, last, ids, config);
  g.output("pooler_output", pooled);
  if (weights.has("text_projection")) {
    const projection = weights.at("text_projection").tensor("weight", [config.projectionDim, config.hiddenSize]);
    g.output("text_embeds", timesTransposed(g, pooled, projection, "text_projection"));
  }
  return finish(g, weights, isPositionIds);
}

/** Old files carry the positions 0, 1, 2, … as a tensor. */
const isPositionIds = (name: string): boolean => name.endsWith("position_ids");

function embeddings(g: GraphBuilder, w: Weights, ids: GraphValue, config: CLIPTextConfig): GraphValue {
  const { hiddenSize, vocabSize, maxPositions } = config;
  const shape = ["batch", "length", hiddenSize];
  const tokens = g.weight(w.at("token_embedding").tensor("weight", [vocabSize, hiddenSize]));
  const positions = g.weight(w.at("position_embedding").tensor("weight", [maxPositions, hiddenSize]));
  const length = g.node("Shape", [ids], { attributes: { start: 1, end: 2 }, type: "int64", shape: [1] });
  const visible = g.node("Slice", [positions, g.constant("int64", [0]), length, g.constant("int64", [0])], {
    shape: ["length", hiddenSize],
  });
  return add(g, g.node("Gather", [tokens, ids], { shape }), visible);
}

/** 0 where a token may look, the lowest float where it may not: ahead of itself, or at masked ids. `[batch, 1, length, length]` */
function attentionBias(g: GraphBuilder, mask: GraphValue): GraphValue {
  const shape = ["batch", 1, "length", "length"];
  const length = g.node("Shape", [mask], { attributes: { start: 1, end: 2 }, type: "int64", shape: [1] });
  const square = g.node("Concat", [length, length], { attributes: { axis: 0 }, type: "int64", shape: [2] });
  const ones = g.node("Expand", [g.constant("float32", [1]), square], { shape: ["length", "length"] });
  const past = g.node("Trilu", [ones], { attributes: { upper: 0 }, shape: ["length", "length"] });
  const seen = g.node("Unsqueeze", [mask, g.constant("int64", [1, 2])], {
    type: "int32",
    shape: ["batch", 1, 1, "length"],
  });
  const allowed = g.node(
    "Mul",
    [g.node("Cast", [seen], { attributes: { to: elementTypes.float32 }, type: "float32", shape: seen.shape }), past],
    { shape },
  );
  const isAllowed = g.node("Greater", [allowed, g.constant("float32", [0], [])], { type: "bool", shape });
  const lowest = g.constant(g.float, [LOWEST[g.float]], []);
  return g.node("Where", [isAllowed, g.constant(g.float, [0], []), lowest], { type: g.float, shape });
}

/** x + attention(norm₁ x), then x + mlp(norm₂ x). */
function encoderLayer(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  bias: GraphValue,
  config: CLIPTextConfig,
): GraphValue {
  const epsilon = config.layerNormEpsilon;
  const normed = layerNorm(g, w.at("layer_norm1"), x, epsilon);
  const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => linear(g, w.at("self_attn").at(name), normed)) as [
    GraphValue,
    GraphValue,
    GraphValue,
  ];
  const attended = attention(g, { q, k, v, heads: config.heads, bias });
  const middle = add(g, x, linear(g, w.at("self_attn.out_proj"), attended));
  const inner = linear(g, w.at("mlp.fc1"), layerNorm(g, w.at("layer_norm2"), middle, epsilon), {
    outFeatures: config.intermediateSize,
  });
  return add(
    g,
    middle,
    linear(g, w.at("mlp.fc2"), activate(g, config.activation, inner), { outFeatures: config.hiddenSize }),
  );
}

/** The final state at the end of the text. `[batch, width]` */
function pool(g: GraphBuilder, last: GraphValue, ids: GraphValue, config: CLIPTextConfig): GraphValue {
  const position = endOfText(g, ids, config.eosTokenId);
  const indices = g.node("Unsqueeze", [position, g.constant("int64", [1])], { type: "int64", shape: ["batch", 1] });
  return g.node("GatherND", [last, indices], {
    attributes: { batch_dims: 1 },
    shape: ["batch", config.hiddenSize],
  });
}

function endOfText(g: GraphBuilder, ids: GraphValue, eosTokenId: number | undefined): GraphValue {
  const first = { attributes: { axis: 1, keepdims: 0 }, type: "int64" as const, shape: ["batch"] };
  if (eosTokenId === undefined) return g.node("ArgMax", [ids], first);
  const wide = g.node("Cast", [ids], { attributes: { to: elementTypes.int64 }, type: "int64", shape: ids.shape });
  const hits = g.node("Equal", [wide, g.constant("int64", [eosTokenId], [])], { type: "bool", shape: ids.shape });
  return g.node(
    "ArgMax",
    [g.node("Cast", [hits], { attributes: { to: elementTypes.int32 }, type: "int32", shape: ids.shape })],
    first,
  );
}
