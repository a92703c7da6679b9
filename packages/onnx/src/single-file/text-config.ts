import type { PartLayout } from "./part-layouts.js";
import type { TensorShapes } from "./tensor-shapes.js";
import type { Config } from "./unet-config.js";

/** OpenAI's large tower, the only one with the quick form of gelu among those that are used. */
const OPENAI_WIDTH = 768;
/** Features of one head, in every published tower. */
const HEAD_WIDTH = 64;

/** `text_encoder/config.json` of a tower under transformers' names. */
export function textConfig(shapes: TensorShapes, { tower }: PartLayout): Config {
  const tokens = "text_model.embeddings.token_embedding.weight";
  const width = shapes.axis(tokens, 1);
  const layers = "text_model.encoder.layers";
  const isOpenAI = tower === undefined ? width <= OPENAI_WIDTH : tower === "openai";
  const projection = "text_projection.weight";
  const isProjected = shapes.has(projection);
  return {
    architectures: [isProjected ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
    model_type: "clip_text_model",
    vocab_size: shapes.axis(tokens, 0),
    hidden_size: width,
    intermediate_size: shapes.axis(`${layers}.0.mlp.fc1.weight`, 0),
    projection_dim: isProjected ? shapes.axis(projection, 0) : width,
    num_hidden_layers: shapes.count(layers),
    num_attention_heads: width % HEAD_WIDTH === 0 ? width / HEAD_WIDTH : undefined,
    max_position_embeddings: shapes.axis("text_model.embeddings.position_embedding.weight", 0),
    hidden_act: isOpenAI ? "quick_gelu" : "gelu",
    bos_token_id: 0,
    // as published: the end is then found as the highest id
    eos_token_id: 2,
  };
}
