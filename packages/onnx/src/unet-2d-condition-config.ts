import { ConfigReader } from "./config-reader.js";
import { type UNetBlock, type UNetEncoderConfig, unetEncoderConfig, unetResolutions } from "./unet-encoder-config.js";

/** What shapes a text-conditional UNet (`unet/config.json`). */
export interface UNet2DConditionConfig extends UNetEncoderConfig {
  readonly outChannels: number;
  /** Side of the latents it was trained on. */
  readonly sampleSize: number | undefined;
  /** From the coarsest resolution up. */
  readonly upBlocks: readonly UNetBlock[];
}

/** Block types, and whether they have attention. */
const UP_BLOCKS = { CrossAttnUpBlock2D: true, UpBlock2D: false };
const SD1_UP_BLOCKS = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];

/**
 * Reads the configuration of a `UNet2DConditionModel`; keys that old files lack take the class's defaults.
 *
 * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is supported.
 */
export function unet2dConditionConfig(json: unknown, file = "unet/config.json"): UNet2DConditionConfig {
  const read = new ConfigReader(json, file);
  refuseUnsupported(read);
  return {
    ...unetEncoderConfig(read),
    outChannels: read.count("out_channels", 4),
    sampleSize: read.optionalCount("sample_size"),
    upBlocks: upBlocks(read),
  };
}

/** Features that would change the picture if they were ignored. */
function refuseUnsupported(read: ConfigReader): void {
  read.only("time_embedding_type", "positional");
  read.only("attention_type", "default");
  read.only("conv_in_kernel", 3);
  read.only("conv_out_kernel", 3);
  read.only("resnet_out_scale_factor", 1);
  for (const key of ["center_input_sample", "dual_cross_attention", "class_embeddings_concat", "resnet_skip_time_act"])
    read.only(key, false);
  for (const key of ["cross_attention_norm", "time_embedding_act_fn", "timestep_post_act", "time_embedding_dim"])
    read.only(key);
}

function upBlocks(read: ConfigReader): readonly UNetBlock[] {
  const { channels, depths, blockAt } = unetResolutions(read);
  const count = channels.length;
  const up = read.eachOneOf("up_block_types", UP_BLOCKS, SD1_UP_BLOCKS);
  read.sameLength("up_block_types", up, count);
  const reversed = "reverse_transformer_layers_per_block";
  const upDepths = read.isSet(reversed) ? read.perBlock(reversed, 1, count) : depths.toReversed();
  return up.map((hasAttention, i) => blockAt(count - 1 - i, hasAttention ? upDepths[i]! : 0));
}
