import { contextWidth, type Family } from "./family.js";
import type { TensorShapes } from "./tensor-shapes.js";

/** A configuration file's content. A key whose value cannot be told from the file is there, undefined. */
export type Config = Readonly<Record<string, unknown>>;

/** Sizes of the pictures in latents. */
const SAMPLE_SIZES: Readonly<Record<Family, number>> = {
  sd1: 64,
  sd2: 64,
  sdxl: 128,
  "sdxl-refiner": 128,
  "x4-upscaler": 128,
};
/** The 768-pixel models of Stable Diffusion 2 are those that predict velocity. */
const SD2_VELOCITY_SAMPLE_SIZE = 96;

/** `unet/config.json` of a UNet under Diffusers' names. */
export function unetConfig(shapes: TensorShapes, family: Family, predictionType: string): Config {
  const levels = resolutions(shapes);
  const isLarge = family === "sd2" && predictionType === "v_prediction";
  return {
    _class_name: "UNet2DConditionModel",
    sample_size: isLarge ? SD2_VELOCITY_SAMPLE_SIZE : SAMPLE_SIZES[family],
    out_channels: shapes.axis("conv_out.weight", 0),
    up_block_types: levels.map((_, i) =>
      shapes.has(`up_blocks.${i}.attentions`) ? "CrossAttnUpBlock2D" : "UpBlock2D",
    ),
    ...shared(shapes, family, levels),
  };
}

/** `config.json` of a ControlNet under Diffusers' names. */
export function controlnetConfig(shapes: TensorShapes, family: Family): Config {
  const hint = "controlnet_cond_embedding";
  const widths = upTo(shapes.count(`${hint}.blocks`) / 2).map((i) =>
    shapes.axis(`${hint}.blocks.${2 * i + 1}.weight`, 0),
  );
  return {
    _class_name: "ControlNetModel",
    conditioning_channels: shapes.axis(`${hint}.conv_in.weight`, 1),
    conditioning_embedding_out_channels: [shapes.axis(`${hint}.conv_in.weight`, 0), ...widths],
    controlnet_conditioning_channel_order: "rgb",
    ...shared(shapes, family, resolutions(shapes)),
  };
}

/** One resolution of the way down. */
interface Resolution {
  readonly channels: number;
  readonly layers: number;
  /** Transformer blocks after each residual block. */
  readonly depth: number;
  /** Whether its transformers look at the text alone. */
  readonly onlyCrossAttention: boolean;
}

function resolutions(shapes: TensorShapes): readonly Resolution[] {
  return upTo(Math.max(1, shapes.count("down_blocks"))).map((i) => {
    const path = `down_blocks.${i}`;
    return {
      channels: shapes.axis(`${path}.resnets.0.conv1.weight`, 0),
      layers: shapes.count(`${path}.resnets`),
      depth: shapes.count(`${path}.attentions.0.transformer_blocks`),
      onlyCrossAttention: looksAtTextAlone(shapes, `${path}.attentions.0.transformer_blocks.0`),
    };
  });
}

/** The first attention of a block then takes keys of the text's width. */
function looksAtTextAlone(shapes: TensorShapes, block: string): boolean {
  const keys = `${block}.attn1.to_k.weight`;
  return shapes.has(keys) && shapes.axis(keys, 1) !== shapes.axis(keys, 0);
}

/** What UNets and ControlNets have in common. */
function shared(shapes: TensorShapes, family: Family, levels: readonly Resolution[]): Config {
  const onlyCross = levels.map(({ onlyCrossAttention }) => onlyCrossAttention);
  const projection = shapes.find(".proj_in.weight");
  return {
    in_channels: shapes.axis("conv_in.weight", 1),
    block_out_channels: levels.map(({ channels }) => channels),
    layers_per_block: oneOrList(levels.map(({ layers }) => layers)),
    down_block_types: levels.map(({ depth }) => (depth > 0 ? "CrossAttnDownBlock2D" : "DownBlock2D")),
    mid_block_type: shapes.has("mid_block.attentions") ? "UNetMidBlock2DCrossAttn" : "UNetMidBlock2D",
    transformer_layers_per_block: oneOrList(depths(shapes, levels)),
    cross_attention_dim: contextWidth(shapes),
    attention_head_dim: heads(family, levels),
    use_linear_projection: projection !== undefined && shapes.rank(projection) === 2,
    norm_num_groups: normGroups(levels.map(({ channels }) => channels)),
    only_cross_attention: onlyCross.some(Boolean) ? onlyCross : false,
    ...extraEmbeddings(shapes, family),
  };
}

/** Where a resolution has no transformers its number is free, but for the last: the middle takes it over. */
function depths(shapes: TensorShapes, levels: readonly Resolution[]): readonly number[] {
  const middle = shapes.count("mid_block.attentions.0.transformer_blocks");
  return levels.map(({ depth }, i) => Math.max(1, depth, i === levels.length - 1 ? middle : 0));
}

/** SD 1 and the upscaler have 8 heads everywhere, the others heads of 64 features. */
function heads(family: Family, levels: readonly Resolution[]): unknown {
  if (family === "sd1" || family === "x4-upscaler") return 8;
  const isPublished = levels.every(({ channels }) => channels % 64 === 0);
  return isPublished ? levels.map(({ channels }) => channels / 64) : undefined;
}

/** Every published network normalises 32 groups of channels. */
export function normGroups(widths: readonly number[]): number | undefined {
  return widths.every((width) => width % 32 === 0) ? 32 : undefined;
}

/** What else a network is told about the whole picture. */
function extraEmbeddings(shapes: TensorShapes, family: Family): Config {
  const guidance = "time_embedding.cond_proj.weight";
  return {
    ...(shapes.has(guidance) && { time_cond_proj_dim: shapes.axis(guidance, 1) }),
    ...(shapes.has("class_embedding.weight") && { num_class_embeds: shapes.axis("class_embedding.weight", 0) }),
    ...(shapes.has("add_embedding") && addedEmbedding(family, shapes.axis("add_embedding.linear_1.weight", 1))),
  };
}

/** SDXL is told its sizes by waves of 256 features each, six of them, the refiner five. */
function addedEmbedding(family: Family, inputDim: number): Config {
  // the same layers serve pictures as conditions in unCLIP
  if (!family.startsWith("sdxl")) return { class_embed_type: "projection" };
  const isPublished = inputDim > 6 * 256;
  return {
    addition_embed_type: "text_time",
    addition_time_embed_dim: isPublished ? 256 : undefined,
    projection_class_embeddings_input_dim: inputDim,
  };
}

/** A list whose items are equal is written as one. */
function oneOrList(values: readonly number[]): number | readonly number[] {
  const [first = 0] = values;
  return values.every((value) => value === first) ? first : values;
}

const upTo = (length: number): number[] => Array.from({ length: Math.floor(length) }, (_, i) => i);
