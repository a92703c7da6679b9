import type { Family } from "./family.js";
import type { TensorShapes } from "./tensor-shapes.js";
import { type Config, normGroups } from "./unet-config.js";

/** By what latents are multiplied. A file of the VAE alone does not say whose it is; most are of SD 1 and 2. */
const SCALING_FACTORS: Readonly<Record<Family, number>> = {
  sd1: 0.18215,
  sd2: 0.18215,
  sdxl: 0.13025,
  "sdxl-refiner": 0.13025,
  "x4-upscaler": 0.08333,
};

/** `vae/config.json` of an autoencoder under Diffusers' names. */
export function vaeConfig(shapes: TensorShapes, family: Family): Config {
  const levels = Math.max(1, shapes.count("encoder.down_blocks"));
  const widths = Array.from({ length: levels }, (_, i) =>
    shapes.axis(`encoder.down_blocks.${i}.resnets.0.conv1.weight`, 0),
  );
  const latentChannels = shapes.axis("decoder.conv_in.weight", 1);
  return {
    _class_name: "AutoencoderKL",
    in_channels: shapes.axis("encoder.conv_in.weight", 1),
    out_channels: shapes.axis("decoder.conv_out.weight", 0),
    latent_channels: latentChannels,
    block_out_channels: widths,
    layers_per_block: shapes.count("encoder.down_blocks.0.resnets"),
    down_block_types: new Array(levels).fill("DownEncoderBlock2D"),
    up_block_types: new Array(levels).fill("UpDecoderBlock2D"),
    norm_num_groups: normGroups(widths),
    use_quant_conv: shapes.has("quant_conv.weight"),
    use_post_quant_conv: shapes.has("post_quant_conv.weight"),
    mid_block_add_attention: shapes.has("encoder.mid_block.attentions"),
    // wider latents are those of later families, each with its own factor
    scaling_factor: latentChannels === 4 ? SCALING_FACTORS[family] : undefined,
  };
}
