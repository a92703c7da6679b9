import type { CheckpointTensor } from "../safetensors.js";
import { type KeyMap, type KeyRule, renaming, without } from "./key-map.js";

/** Numbers of the positions, the temperature of CLIP's training, and its other half, the image tower. */
const IDLE = /(?:^|\.)position_ids$|^logit_scale$|^(?:visual|vision_model|visual_projection)\b/;
/** Pooled text: the models that take it have a projection of their own. */
const PROJECTION = /^text_projection(?:\.weight)?$/;

/** transformers' own names, with the `text_model.` that some early files left out. */
const HUGGING_FACE: readonly KeyRule[] = [
  [/^(?:text_model|text_projection)\b/, "$&"],
  [/^(?:embeddings|encoder|final_layer_norm)\b/, "text_model.$&"],
];

const OPEN_CLIP: readonly KeyRule[] = [
  [/^token_embedding\b/, "text_model.embeddings.token_embedding"],
  [/^positional_embedding$/, "text_model.embeddings.position_embedding.weight"],
  [/^transformer\.resblocks\b/, "text_model.encoder.layers"],
  [/^ln_final\b/, "text_model.final_layer_norm"],
  [/^text_projection(?:\.weight)?$/, "text_projection.weight"],
];
const OPEN_CLIP_LAYERS: readonly KeyRule[] = [
  [/\.ln_([12])\b/, ".layer_norm$1"],
  [/\.mlp\.c_fc\b/, ".mlp.fc1"],
  [/\.mlp\.c_proj\b/, ".mlp.fc2"],
  [/\.attn\./, ".self_attn."],
];

/** A tower in transformers' names, as a text encoder that gives hidden states. */
export const clipKeys = (): KeyMap => without(PROJECTION, clipWithProjectionKeys());

/** A tower in transformers' names, with its projection. */
export const clipWithProjectionKeys = (): KeyMap => without(IDLE, renaming(HUGGING_FACE));

/** From OpenCLIP's names to those of `CLIPTextModelWithProjection`. */
export function openClipKeys(): KeyMap {
  const renamed = renaming(OPEN_CLIP, OPEN_CLIP_LAYERS);
  return without(IDLE, (name, tensor) => {
    // without `.weight` it is a bare parameter, [width, projection]
    if (name === "text_projection") return renamed(name, turned(tensor));
    return renamed(name, tensor)?.flatMap(splitProjections);
  });
}

/** Blocks of OpenCLIP's tower that Stable Diffusion 2 uses; published files have one more. */
const SD2_BLOCKS = 23;

/** The same without the last block, which Stable Diffusion 2 was trained not to use, and without projection. */
export function penultimateOpenClipKeys(names: readonly string[]): KeyMap {
  const blocks = names.reduce((most, name) => Math.max(most, blockOf(name) + 1), 0);
  const unused = blocks === SD2_BLOCKS ? undefined : blocks - 1;
  const map = without(PROJECTION, openClipKeys());
  return (name, tensor) => (blockOf(name) === unused ? [] : map(name, tensor));
}

const blockOf = (name: string): number => Number(/^transformer\.resblocks\.(\d+)\./.exec(name)?.[1] ?? -1);

/** The fused `in_proj` holds the rows of queries, keys and values, in this order. */
function splitProjections(tensor: CheckpointTensor): readonly CheckpointTensor[] {
  const [, module, kind] = /^(.*\.self_attn)\.in_proj_(weight|bias)$/.exec(tensor.name) ?? [];
  const [rows = 0, ...rest] = tensor.shape;
  if (module === undefined || rows % 3 !== 0) return [tensor];
  const length = tensor.length / 3;
  return ["q_proj", "k_proj", "v_proj"].map((projection, i) => ({
    ...tensor,
    name: `${module}.${projection}.${kind}`,
    shape: [rows / 3, ...rest],
    offset: tensor.offset + i * length,
    length,
  }));
}

/** A matrix seen with its axes exchanged. */
function turned(tensor: CheckpointTensor): CheckpointTensor {
  return tensor.shape.length === 2 ? { ...tensor, shape: tensor.shape.toReversed(), transposed: true } : tensor;
}
