import { ConfigReader } from "./config-reader.js";

/** One resolution of an unconditional UNet. */
export interface UNet2DBlock {
  readonly channels: number;
  /** Attention heads after each residual block; 0 where the resolution has no attention. */
  readonly heads: number;
  /** Whether its size is changed by a residual block in place of a convolution. */
  readonly resnetResize: boolean;
}

/** What shapes a UNet without text (`unet/config.json`). */
export interface UNet2DConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of the pictures it was trained on. */
  readonly sampleSize: readonly [number, number] | undefined;
  /** From the finest resolution down. */
  readonly downBlocks: readonly UNet2DBlock[];
  /** Attention heads in the middle; 0 for none. */
  readonly midHeads: number;
  /** Groups of the norm before the middle's attention; undefined for no norm. */
  readonly midNormGroups: number | undefined;
  readonly midBlockScale: number;
  /** From the coarsest resolution up. */
  readonly upBlocks: readonly UNet2DBlock[];
  readonly layersPerBlock: number;
  readonly normGroups: number;
  readonly normEpsilon: number;
  readonly downsamplePadding: number;
  /** Whether the timestep scales and shifts what a residual block holds, in place of being added. */
  readonly timeScaleShift: boolean;
  readonly timeEmbedding: "positional" | "fourier" | "learned";
  readonly timeEmbeddingDim: number;
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
  /** Timesteps that a learned embedding has. */
  readonly trainTimesteps: number | undefined;
  /** How many class labels there are; `"timestep"` where a label is a number embedded as timesteps are. */
  readonly classEmbeddings: number | "timestep" | undefined;
  /** Whether pictures are taken from [0, 1] to [-1, 1] first. */
  readonly centerInput: boolean;
}

interface BlockType {
  readonly attention?: boolean;
  readonly resnetResize?: boolean;
}

const DOWN_BLOCKS: Readonly<Record<string, BlockType>> = {
  DownBlock2D: {},
  AttnDownBlock2D: { attention: true },
  ResnetDownsampleBlock2D: { resnetResize: true },
};
const UP_BLOCKS: Readonly<Record<string, BlockType>> = {
  UpBlock2D: {},
  AttnUpBlock2D: { attention: true },
  ResnetUpsampleBlock2D: { resnetResize: true },
};
const RESIZES = { conv: false, resnet: true };

/**
 * Reads the configuration of a `UNet2DModel`; keys that old files lack take the class's defaults.
 *
 * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is supported.
 */
export function unet2dConfig(json: unknown, file = "unet/config.json"): UNet2DConfig {
  const read = new ConfigReader(json, file);
  read.only("act_fn", "silu", "swish");
  read.only("mid_block_type", "UNetMidBlock2D");
  read.only("downsample_padding", 0, 1);
  const channels = read.counts("block_out_channels", [224, 448, 672, 896]);
  const timeScaleShift = read.oneOf("resnet_time_scale_shift", { default: false, scale_shift: true }, "default");
  const normGroups = read.count("norm_num_groups", 32);
  return {
    inChannels: read.count("in_channels", 3),
    outChannels: read.count("out_channels", 3),
    sampleSize: sampleSize(read),
    ...resolutions(read, channels),
    midHeads: read.boolean("add_attention", true) ? headsOf(read, channels.at(-1)!) : 0,
    midNormGroups: read.optionalCount("attn_norm_num_groups") ?? (timeScaleShift ? undefined : normGroups),
    midBlockScale: read.number("mid_block_scale_factor", 1),
    layersPerBlock: read.count("layers_per_block", 2),
    normGroups,
    normEpsilon: read.number("norm_eps", 1e-5),
    downsamplePadding: read.number("downsample_padding", 1),
    timeScaleShift,
    ...timeEmbedding(read, channels[0]!),
    classEmbeddings: classEmbeddings(read),
    centerInput: read.boolean("center_input_sample", false),
  };
}

function sampleSize(read: ConfigReader): readonly [number, number] | undefined {
  if (!read.isSet("sample_size")) return undefined;
  const [height = 1, width = 1] = read.perBlock("sample_size", 1, 2);
  return [height, width];
}

function timeEmbedding(read: ConfigReader, channels: number) {
  const types = { positional: "positional", fourier: "fourier", learned: "learned" } as const;
  const type = read.oneOf<UNet2DConfig["timeEmbedding"]>("time_embedding_type", types, "positional");
  return {
    timeEmbedding: type,
    timeEmbeddingDim: read.optionalCount("time_embedding_dim") ?? 4 * channels,
    flipSinToCos: read.boolean("flip_sin_to_cos", true),
    freqShift: read.number("freq_shift", 0),
    trainTimesteps: type === "learned" ? read.count("num_train_timesteps") : undefined,
  };
}

function classEmbeddings(read: ConfigReader): UNet2DConfig["classEmbeddings"] {
  read.only("class_embed_type", "timestep");
  return read.isSet("class_embed_type") ? "timestep" : read.optionalCount("num_class_embeds");
}

function resolutions(read: ConfigReader, channels: readonly number[]): Pick<UNet2DConfig, "downBlocks" | "upBlocks"> {
  const count = channels.length;
  const attending = (plain: string, other: string) => [plain, ...new Array<string>(3).fill(other)];
  const down = read.eachOneOf("down_block_types", DOWN_BLOCKS, attending("DownBlock2D", "AttnDownBlock2D"));
  const up = read.eachOneOf("up_block_types", UP_BLOCKS, attending("UpBlock2D", "AttnUpBlock2D").toReversed());
  read.sameLength("down_block_types", down, count);
  read.sameLength("up_block_types", up, count);
  const resnetDown = read.oneOf("downsample_type", RESIZES, "conv");
  const resnetUp = read.oneOf("upsample_type", RESIZES, "conv");
  const block = (type: BlockType, width: number, byResnet: boolean): UNet2DBlock => ({
    channels: width,
    heads: type.attention ? headsOf(read, width) : 0,
    // the blocks without attention have a way of their own, whatever the file says
    resnetResize: type.attention ? byResnet : type.resnetResize === true,
  });
  return {
    downBlocks: down.map((type, i) => block(type, channels[i]!, resnetDown)),
    upBlocks: up.map((type, i) => block(type, channels[count - 1 - i]!, resnetUp)),
  };
}

/** Here, unlike in the text-conditional UNet, the key is what its name says: the size of a head; null makes one head. */
function headsOf(read: ConfigReader, channels: number): number {
  return read.isNull("attention_head_dim") ? 1 : Math.floor(channels / read.count("attention_head_dim", 8));
}
