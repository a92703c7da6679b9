import type { KeyMap, KeyRule } from "./key-map.js";
import { downKeys, downRules } from "./unet-keys.js";

/** From the names of `cldm.ControlNet` (Zhang et al. 2023) to those of `ControlNetModel`. */
export function controlnetKeys(names: readonly string[]): KeyMap {
  return downKeys([...hintRules(names), ...downRules(names)]);
}

/** The hint goes through convolutions with an activation after each, which has a number too: 0, 2, 4, … */
function hintRules(names: readonly string[]): readonly KeyRule[] {
  const last = names.reduce((highest, name) => {
    const index = /^input_hint_block\.(\d+)\./.exec(name)?.[1];
    return Math.max(highest, Number(index ?? 0));
  }, 0);
  return [
    [/^input_hint_block\.0\b/, "controlnet_cond_embedding.conv_in"],
    [new RegExp(`^input_hint_block\\.${last}\\b`), "controlnet_cond_embedding.conv_out"],
    [/^input_hint_block\.(\d+)\b/, (n) => `controlnet_cond_embedding.blocks.${n / 2 - 1}`],
    [/^zero_convs\.(\d+)\.0\b/, (n) => `controlnet_down_blocks.${n}`],
    [/^middle_block_out\.0\b/, "controlnet_mid_block"],
  ];
}
