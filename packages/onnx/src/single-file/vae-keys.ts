import { type KeyMap, type KeyRule, renaming, without } from "./key-map.js";

/** Layers of a residual block and of the attention in the middle. */
const LAYERS: readonly KeyRule[] = [
  [/\bnin_shortcut\b/, "conv_shortcut"],
  [/\battn_1\.norm\b/, "attentions.0.group_norm"],
  [/\battn_1\.([qkv])\b/, "attentions.0.to_$1"],
  [/\battn_1\.proj_out\b/, "attentions.0.to_out.0"],
];

/** What only training needs: the discriminator, and the moving average of some. */
const TRAINING = /^(?:loss|model_ema)\./;

/** From the names of `ldm.models.autoencoder.AutoencoderKL` to those of Diffusers'. */
export function vaeKeys(names: readonly string[]): KeyMap {
  // the original counts the way up from the finest resolution, Diffusers from the coarsest
  const coarsest = Math.max(
    0,
    new Set(names.flatMap((name) => /^decoder\.up\.(\d+)\./.exec(name)?.[1] ?? [])).size - 1,
  );
  const modules: readonly KeyRule[] = [
    [/^(?:post_)?quant_conv\b/, "$&"],
    [/^(encoder|decoder)\.(conv_in|conv_out)\b/, "$&"],
    [/^(encoder|decoder)\.norm_out\b/, "$1.conv_norm_out"],
    [/^encoder\.down\.(\d+)\.block\b/, "encoder.down_blocks.$1.resnets"],
    [/^encoder\.down\.(\d+)\.downsample\.conv\b/, "encoder.down_blocks.$1.downsamplers.0.conv"],
    [/^(encoder|decoder)\.mid\.block_1\b/, "$1.mid_block.resnets.0"],
    [/^(encoder|decoder)\.mid\.block_2\b/, "$1.mid_block.resnets.1"],
    [/^(encoder|decoder)\.mid(?=\.attn_1\b)/, "$1.mid_block"],
    [/^decoder\.up\.(\d+)\.block\b/, (n) => `decoder.up_blocks.${coarsest - n}.resnets`],
    [/^decoder\.up\.(\d+)\.upsample\.conv\b/, (n) => `decoder.up_blocks.${coarsest - n}.upsamplers.0.conv`],
  ];
  return without(TRAINING, renaming(modules, LAYERS));
}
