import { ConfigReader } from "./config-reader.js";

/** One resolution of the UNet. */
export interface UNetBlock {
  readonly channels: number;
  /** Attention heads of its transformers. */
  readonly heads: number;
  /** Transformer blocks after each residual block; 0 where the resolution has no attention. */
  readonly transformerLayers: number;
  readonly onlyCrossAttention: boolean;
}

/** What shapes a text-conditional UNet (`unet/config.json`). */
export interface UNet2DConditionConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Side of the latents it was trained on. */
  readonly sampleSize: number | undefined;
  /** From the finest resolution down. */
  readonly downBlocks: readonly UNetBlock[];
  readonly midBlock: UNetBlock;
  /** From the coarsest resolution up. */
  readonly upBlocks: readonly UNetBlock[];
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
const UP_BLOCKS = { CrossAttnUpBlock2D: true, UpBlock2D: false };
const SD1_DOWN_BLOCKS = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
const SD1_UP_BLOCKS = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];

/**
 * Reads the configuration of a `UNet2DConditionModel`; keys that old files lack take the class's defaults.
 *
 * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is supported.
 */
export function unet2dConditionConfig(json: unknown, file = "unet/config.json"): UNet2DConditionConfig {
  const read = new ConfigReader(json, file);
  refuseUnsupported(read);
  const channels = read.counts("block_out_channels", [320, 640, 1280, 1280]);
  const blocks = resolutions(read, channels);
  return {
    inChannels: read.count("in_channels", 4),
    outChannels: read.count("out_channels", 4),
    sampleSize: read.optionalCount("sample_size"),
    ...blocks,
    layersPerBlock: read.perBlock("layers_per_block", 2, channels.length),
    normGroups: read.count("norm_num_groups", 32),
    normEpsilon: read.number("norm_eps", 1e-5),
    downsamplePadding: read.number("downsample_padding", 1),
    midBlockScale: read.number("mid_block_scale_factor", 1),
    crossAttentionDim: read.uniform("cross_attention_dim", 1280, channels.length),
    flipSinToCos: read.boolean("flip_sin_to_cos", true),
    freqShift: read.number("freq_shift", 0),
    timeCondProjDim: read.optionalCount("time_cond_proj_dim"),
    classEmbeddings: read.optionalCount("num_class_embeds"),
    textTime: textTime(read),
  };
}

/** Features that would change the picture if they were ignored. */
function refuseUnsupported(read: ConfigReader): void {
  read.only("mid_block_type", "UNetMidBlock2DCrossAttn");
  read.only("act_fn", "silu", "swish");
  read.only("resnet_time_scale_shift", "default");
  read.only("time_embedding_type", "positional");
  read.only("addition_embed_type", "text_time");
  read.only("attention_type", "default");
  read.only("conv_in_kernel", 3);
  read.only("conv_out_kernel", 3);
  read.only("resnet_out_scale_factor", 1);
  read.only("downsample_padding", 0, 1);
  for (const key of ["center_input_sample", "dual_cross_attention", "class_embeddings_concat", "resnet_skip_time_act"])
    read.only(key, false);
  for (const key of ["class_embed_type", "encoder_hid_dim", "encoder_hid_dim_type", "cross_attention_norm"])
    read.only(key);
  for (const key of ["time_embedding_act_fn", "timestep_post_act", "time_embedding_dim"]) read.only(key);
}

/** The blocks of the way down, the middle and the way up. */
function resolutions(
  read: ConfigReader,
  channels: readonly number[],
): Pick<UNet2DConditionConfig, "downBlocks" | "midBlock" | "upBlocks"> {
  const count = channels.length;
  const down = read.eachOneOf("down_block_types", DOWN_BLOCKS, SD1_DOWN_BLOCKS);
  const up = read.eachOneOf("up_block_types", UP_BLOCKS, SD1_UP_BLOCKS);
  read.sameLength("down_block_types", down, count);
  read.sameLength("up_block_types", up, count);
  // the name is a historic mistake of Diffusers: it holds the number of heads
  const heads = read.perBlock(
    read.isSet("num_attention_heads") ? "num_attention_heads" : "attention_head_dim",
    8,
    count,
  );
  const layers = read.perBlock("transformer_layers_per_block", 1, count);
  const reversed = "reverse_transformer_layers_per_block";
  const upLayers = read.isSet(reversed) ? read.perBlock(reversed, 1, count) : layers.toReversed();
  const onlyCross = read.perBlock("only_cross_attention", false, count);
  const block = (i: number, hasAttention: boolean, depth: number): UNetBlock => ({
    channels: channels[i]!,
    heads: heads[i]!,
    transformerLayers: hasAttention ? depth : 0,
    onlyCrossAttention: onlyCross[i]!,
  });
  const last = count - 1;
  const midOnlyCross = read.boolean("mid_block_only_cross_attention", onlyCross.every(Boolean));
  return {
    downBlocks: down.map((hasAttention, i) => block(i, hasAttention, layers[i]!)),
    midBlock: { ...block(last, true, layers[last]!), onlyCrossAttention: midOnlyCross },
    upBlocks: up.map((hasAttention, i) => block(last - i, hasAttention, upLayers[i]!)),
  };
}

function textTime(read: ConfigReader): UNet2DConditionConfig["textTime"] {
  if (!read.isSet("addition_embed_type")) return undefined;
  return {
    timeEmbedDim: read.count("addition_time_embed_dim"),
    inputDim: read.count("projection_class_embeddings_input_dim"),
  };
}
