import { LatentKitError } from "@latentkit/core";
import { ConfigReader } from "./config-reader.js";

/** What shapes the UNet of the ×2 latent upscaler (`unet/config.json` with "K" blocks). */
export interface KUNetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Of each resolution, from the finest down; the coarsest looks at its own pixels too. */
  readonly channels: readonly number[];
  readonly layersPerBlock: number;
  /** Features of an attention head. */
  readonly headSize: number;
  readonly crossAttentionDim: number;
  /** Width of what it is told beside the noise level. */
  readonly timeCondProjDim: number;
  readonly normEpsilon: number;
  readonly flipSinToCos: boolean;
}

/** Which resolutions look at the text. */
const DOWN_BLOCKS = { KDownBlock2D: false, KCrossAttnDownBlock2D: true };
const UP_BLOCKS = { KCrossAttnUpBlock2D: true, KUpBlock2D: false };

/** Whether a `UNet2DConditionModel` configuration is one with these blocks. */
export function isKUNetConfig(json: unknown): boolean {
  const blocks = typeof json === "object" && json !== null && "down_block_types" in json ? json.down_block_types : [];
  return Array.isArray(blocks) && blocks.some((type) => typeof type === "string" && Object.hasOwn(DOWN_BLOCKS, type));
}

/**
 * Reads the configuration of the ×2 latent upscaler's UNet.
 *
 * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is supported.
 */
export function kUNetConfig(json: unknown, file = "unet/config.json"): KUNetConfig {
  const read = new ConfigReader(json, file);
  refuseOthers(read);
  const channels = read.counts("block_out_channels", [384, 384, 768, 768]);
  const count = channels.length;
  const down = read.eachOneOf("down_block_types", DOWN_BLOCKS, []);
  const up = read.eachOneOf("up_block_types", UP_BLOCKS, []);
  read.sameLength("down_block_types", down, count);
  read.sameLength("up_block_types", up, count);
  checkOrder(file, channels, down, up);
  return {
    inChannels: read.count("in_channels", 8),
    outChannels: read.count("out_channels", 5),
    channels,
    layersPerBlock: read.count("layers_per_block", 4),
    headSize: read.count("attention_head_dim", 64),
    crossAttentionDim: read.uniform("cross_attention_dim", 768, count),
    timeCondProjDim: read.count("time_cond_proj_dim"),
    normEpsilon: read.number("norm_eps", 1e-5),
    flipSinToCos: read.boolean("flip_sin_to_cos", true),
  };
}

function refuseOthers(read: ConfigReader): void {
  for (const key of [
    "mid_block_type",
    "norm_num_groups",
    "num_class_embeds",
    "class_embed_type",
    "addition_embed_type",
  ])
    read.only(key);
  for (const key of ["act_fn", "timestep_post_act"]) read.oneOf(key, { gelu: true });
  read.oneOf("time_embedding_type", { fourier: true });
  for (const key of ["conv_in_kernel", "conv_out_kernel"]) read.only(key, 1);
  for (const key of ["center_input_sample", "dual_cross_attention"]) read.only(key, false);
}

/** Diffusers tells the blocks' inner widths from their neighbours': the one order that is published. */
function checkOrder(file: string, channels: readonly number[], down: readonly boolean[], up: readonly boolean[]): void {
  const [first = 0] = channels;
  const isPublished =
    down.every((hasAttention, i) => hasAttention === i > 0) &&
    up.every((hasAttention, i) => hasAttention === i < up.length - 1) &&
    channels.slice(-2).every((width) => width === 2 * first);
  if (isPublished) return;
  const expected = "one finest resolution without attention, and the two coarsest twice as wide as it";
  throw new LatentKitError("unsupported-model", `${file}: these blocks are not supported; expected ${expected}`);
}
