import { type KeyMap, type KeyRule, renaming } from "./key-map.js";

/** Layers of a residual block. */
const LAYERS: readonly KeyRule[] = [
  [/\bin_layers\.0\b/, "norm1"],
  [/\bin_layers\.2\b/, "conv1"],
  [/\bemb_layers\.1\b/, "time_emb_proj"],
  [/\bout_layers\.0\b/, "norm2"],
  [/\bout_layers\.3\b/, "conv2"],
  [/\bskip_connection\b/, "conv_shortcut"],
];

/** What a UNet and a ControlNet begin with: the timestep, the way down, the middle. */
export function downRules(names: readonly string[]): readonly KeyRule[] {
  const period = layersPerBlock(names) + 1;
  // input block 0 is conv_in; then each resolution has its layers and, but for the last, what halves the size
  const block = (n: number) => Math.floor((n - 1) / period);
  const layer = (n: number) => (n - 1) % period;
  return [
    [/^time_embed\.0\b/, "time_embedding.linear_1"],
    [/^time_embed\.2\b/, "time_embedding.linear_2"],
    [/^time_embed(?:ding)?\.cond_proj\b/, "time_embedding.cond_proj"],
    [/^label_emb\.0\.0\b/, "add_embedding.linear_1"],
    [/^label_emb\.0\.2\b/, "add_embedding.linear_2"],
    [/^label_emb(?=\.weight$)/, "class_embedding"],
    [/^input_blocks\.0\.0\b/, "conv_in"],
    [/^input_blocks\.(\d+)\.0\.op\b/, (n) => `down_blocks.${block(n)}.downsamplers.0.conv`],
    [/^input_blocks\.(\d+)\.0\b/, (n) => `down_blocks.${block(n)}.resnets.${layer(n)}`],
    [/^input_blocks\.(\d+)\.1\b/, (n) => `down_blocks.${block(n)}.attentions.${layer(n)}`],
    [/^middle_block\.0\b/, "mid_block.resnets.0"],
    [/^middle_block\.1\b/, "mid_block.attentions.0"],
    [/^middle_block\.2\b/, "mid_block.resnets.1"],
  ];
}

/** The way up: each resolution has a layer more, and its last output block doubles the size. */
function upRules(names: readonly string[]): readonly KeyRule[] {
  const period = layersPerBlock(names) + 1;
  const block = (n: number) => Math.floor(n / period);
  const layer = (n: number) => n % period;
  return [
    [/^output_blocks\.(\d+)\.[12]\.conv\b/, (n) => `up_blocks.${block(n)}.upsamplers.0.conv`],
    [/^output_blocks\.(\d+)\.0\b/, (n) => `up_blocks.${block(n)}.resnets.${layer(n)}`],
    [/^output_blocks\.(\d+)\.1\b/, (n) => `up_blocks.${block(n)}.attentions.${layer(n)}`],
    [/^out\.0\b/, "conv_norm_out"],
    [/^out\.2\b/, "conv_out"],
  ];
}

/** The first input block that halves the size tells how many layers come before it. */
function layersPerBlock(names: readonly string[]): number {
  const numbers = (pattern: RegExp) =>
    names.flatMap((name) => {
      const index = pattern.exec(name)?.[1];
      return index === undefined ? [] : [Number(index)];
    });
  const halving = numbers(/^input_blocks\.(\d+)\.0\.op\./);
  const all = numbers(/^input_blocks\.(\d+)\./);
  return Math.max(1, halving.length > 0 ? lowest(halving) - 1 : all.reduce((a, b) => Math.max(a, b), 0));
}

const lowest = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));

/** From the names of `ldm.modules.diffusionmodules.openaimodel.UNetModel` to those of `UNet2DConditionModel`. */
export function unetKeys(names: readonly string[]): KeyMap {
  return renaming([...downRules(names), ...upRules(names)], LAYERS);
}

/** From the names of a rule list for the way down to Diffusers', with the layers of residual blocks. */
export function downKeys(rules: readonly KeyRule[]): KeyMap {
  return renaming(rules, LAYERS);
}
