import { silu } from "./activation.js";
import { add } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finish, type Network } from "./network.js";
import { groupNorm } from "./normalization.js";
import type { UNet2DConditionConfig } from "./unet-2d-condition-config.js";
import { type Conditioning, unetConditioning } from "./unet-conditioning.js";
import { unetLayer, unetMiddle, wayDown } from "./unet-encoder.js";
import type { UNetBlock } from "./unet-encoder-config.js";
import { declareResiduals } from "./unet-residuals.js";
import { upWay } from "./unet-way.js";
import { upsampler } from "./upsample.js";
import { Weights } from "./weights.js";

/** How the graph of a text-conditional UNet is built. */
export interface UNet2DConditionOptions extends GraphOptions {
  /** Whether it has inputs for what ControlNets and T2I-Adapters add to its hidden states. @default false */
  readonly residuals?: boolean | undefined;
}

/**
 * The text-conditional UNet (Rombach et al. 2022, §3.3; Diffusers' `UNet2DConditionModel`).
 *
 * Inputs: `sample` `[batch, channels, height, width]`, `timestep` float32 `[1 or batch]`, `encoder_hidden_states`
 * `[batch, length, width]`; where the configuration asks for them `timestep_cond` `[batch, width]`, `class_labels` int64 `[batch]`,
 * `text_embeds` `[batch, width]` and `time_ids` `[batch, 5 or 6]`; with `residuals` also those that `residualInputs` names.
 * Output: `out_sample`, of the sample's height and width.
 */
export function unet2dCondition(
  checkpoint: Checkpoint,
  config: UNet2DConditionConfig,
  { residuals = false, ...options }: UNet2DConditionOptions = {},
): Network {
  const g = new GraphBuilder("unet-2d-condition", options);
  const w = new Weights(checkpoint);
  const sample = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const conditioning = unetConditioning(g, w, config);
  const added = residuals ? declareResiduals(g, config) : undefined;
  const sum = (x: GraphValue, residual: GraphValue | undefined) => (residual ? add(g, x, residual) : x);

  const first = conv2d(g, w.at("conv_in"), sample, { outChannels: config.downBlocks[0]!.channels });
  const states = wayDown(g, w, first, conditioning, added?.intra);
  const middle = unetMiddle(g, w.at("mid_block"), states.at(-1)!, conditioning);
  const adapted = sum(middle, added?.intra[config.downBlocks.length]);

  const skips = states.map((state, i) => sum(state, added?.down[i]));
  let h = sum(adapted, added?.mid);
  for (const [i, block] of config.upBlocks.entries())
    h = upBlock(g, w.at(`up_blocks.${i}`), h, skips, block, i, conditioning);

  const normed = silu(g, groupNorm(g, w.at("conv_norm_out"), h, config.normGroups, config.normEpsilon));
  g.output("out_sample", conv2d(g, w.at("conv_out"), normed, { outChannels: config.outChannels }));
  return finish(g, w);
}

/** Residual blocks over the state and the way down's state of the same size, then twice the size. Takes its states off `skips`. */
function upBlock(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  skips: GraphValue[],
  block: UNetBlock,
  index: number,
  conditioning: Conditioning,
): GraphValue {
  const layers = conditioning.config.layersPerBlock.at(-1 - index)! + 1;
  const larger = (h: GraphValue, like: GraphValue) => upsampler(g, w.at("upsamplers.0"), h, like);
  return upWay(g, x, skips, layers, (h, j) => unetLayer(g, w, h, j, block, conditioning), larger);
}
