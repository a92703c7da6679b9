import type { ConfigReader } from "./config-reader.js";

/** One resolution of the UNet. */
export interface UNetBlock {
  readonly channels: number;
  /** Attention heads of its transformers. */
  readonly heads: number;
  /** Transformer blocks after each residual block; 0 where the resolution has no attention. */
  readonly transformerLayers: number;
  readonly onlyCrossAttention: boolean;
}

/** What shapes the way down and the middle of a text-conditional UNet, which its ControlNets copy. */
export interface UNetEncoderConfig {
  readonly inChannels: number;
  /** From the finest resolution down. */
  readonly downBlocks: readonly UNetBlock[];
  /** Without transformers it is one residual block; some small networks have no middle. */
  readonly midBlock: UNetBlock | undefined;
  readonly layersPerBlock: readonly number[];
  readonly normGroups: number;
  readonly normEpsilon: number;
  readonly downsamplePadding: number;
  /** Divides what each residual block of the middle gives. */
  readonly midBlockScale: number;
  readonly crossAttentionDim: number;
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
  /** Width of the guidance embedding that distilled networks take. */
  readonly timeCondProjDim: number | undefined;
  /** How many class labels there are (the ×4 upscaler's noise levels). */
  readonly classEmbeddings: number | undefined;
  /** SDXL's pooled text and size conditioning. */
  readonly textTime: { readonly timeEmbedDim: number; readonly inputDim: number } | undefined;
}

/** Block types, and whether they have attention. */
const DOWN_BLOCKS = { CrossAttnDownBlock2D: true, DownBlock2D: false };
const MID_BLOCKS = { UNetMidBlock2DCrossAttn: true, UNetMidBlock2D: false };
const SD1_DOWN_BLOCKS = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
const SD1_CHANNELS = [320, 640, 1280, 1280];

/** Reads what UNets and ControlNets have in common; keys that a file lacks take the classes' defaults. */
export function unetEncoderConfig(read: ConfigReader): UNetEncoderConfig {
  refuseUnsupported(read);
  const { channels, blockAt, depths } = unetResolutions(read);
  const count = channels.length;
  const down = read.eachOneOf("down_block_types", DOWN_BLOCKS, SD1_DOWN_BLOCKS);
  read.sameLength("down_block_types", down, count);
  return {
    inChannels: read.count("in_channels", 4),
    downBlocks: down.map((hasAttention, i) => blockAt(i, hasAttention ? depths[i]! : 0)),
    midBlock: midBlock(read, blockAt(count - 1, depths.at(-1)!)),
    layersPerBlock: read.perBlock("layers_per_block", 2, count),
    normGroups: read.count("norm_num_groups", 32),
    normEpsilon: read.number("norm_eps", 1e-5),
    downsamplePadding: read.number("downsample_padding", 1),
    midBlockScale: read.number("mid_block_scale_factor", 1),
    crossAttentionDim: read.uniform("cross_attention_dim", 1280, count),
    flipSinToCos: read.boolean("flip_sin_to_cos", true),
    freqShift: read.number("freq_shift", 0),
    timeCondProjDim: read.optionalCount("time_cond_proj_dim"),
    classEmbeddings: read.optionalCount("num_class_embeds"),
    textTime: textTime(read),
  };
}

/** What the blocks of each resolution are made of, on both ways. */
export interface UNetResolutions {
  readonly channels: readonly number[];
  /** Transformer blocks after each residual block, where there is attention. */
  readonly depths: readonly number[];
  /** The block of a resolution, counted from the finest, with so many transformer blocks. */
  readonly blockAt: (i: number, transformerLayers: number) => UNetBlock;
}

export function unetResolutions(read: ConfigReader): UNetResolutions {
  const channels = read.counts("block_out_channels", SD1_CHANNELS);
  const count = channels.length;
  // the name is a historic mistake of Diffusers: it holds the number of heads
  const headKey = read.isSet("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
  const heads = read.perBlock(headKey, 8, count);
  const onlyCross = read.perBlock("only_cross_attention", false, count);
  return {
    channels,
    depths: read.perBlock("transformer_layers_per_block", 1, count),
    blockAt: (i, transformerLayers) => ({
      channels: channels[i]!,
      heads: heads[i]!,
      transformerLayers,
      onlyCrossAttention: onlyCross[i]!,
    }),
  };
}

/** The middle looks at the pixels too, whatever the last resolution does. */
function midBlock(read: ConfigReader, last: UNetBlock): UNetBlock | undefined {
  if (read.isNull("mid_block_type")) return undefined;
  const hasAttention = read.oneOf("mid_block_type", MID_BLOCKS, "UNetMidBlock2DCrossAttn");
  return { ...last, onlyCrossAttention: false, transformerLayers: hasAttention ? last.transformerLayers : 0 };
}

/** Features that would change the picture if they were ignored. */
function refuseUnsupported(read: ConfigReader): void {
  read.only("act_fn", "silu", "swish");
  read.only("resnet_time_scale_shift", "default");
  read.only("addition_embed_type", "text_time");
  read.only("downsample_padding", 0, 1);
  for (const key of ["class_embed_type", "encoder_hid_dim", "encoder_hid_dim_type"]) read.only(key);
}

function textTime(read: ConfigReader): UNetEncoderConfig["textTime"] {
  if (!read.isSet("addition_embed_type")) return undefined;
  return {
    timeEmbedDim: read.count("addition_time_embed_dim"),
    inputDim: read.count("projection_class_embeddings_input_dim"),
  };
}
