import { add } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finishTextNetwork, type TextNetwork, type TextNetworkOptions } from "./text-network.js";
import type { TokenMergers } from "./token-merging.js";
import type { UNet2DConditionConfig } from "./unet-2d-condition-config.js";
import { checkBranch, deepFeatureName } from "./unet-branch.js";
import { unetConditioning } from "./unet-conditioning.js";
import { unetPrediction, wayUp } from "./unet-decoder.js";
import { unetMiddle, wayDown } from "./unet-encoder.js";
import { declareResiduals } from "./unet-residuals.js";
import { Weights } from "./weights.js";

/** How the graph of a text-conditional UNet is built. */
export interface UNet2DConditionOptions extends GraphOptions, TextNetworkOptions {
  /**
   * Whether it has inputs for what ControlNets and T2I-Adapters add to its hidden states, and one that makes the
   * middle's self-attention the identity. @default false
   */
  readonly residuals?: boolean | undefined;
  /**
   * The skip connection, counted from the finest, whose layer tells what enters it: the output `deep_feature`, which
   * `unet2dShallow` takes. @default none
   */
  readonly branch?: number | undefined;
  /** How tokens are merged before self-attention: what `tokenMergers` gives. @default they are not */
  readonly tokenMerging?: TokenMergers | undefined;
}

/**
 * The text-conditional UNet (Rombach et al. 2022, §3.3; Diffusers' `UNet2DConditionModel`).
 *
 * Inputs: `sample` `[batch, channels, height, width]`, `timestep` float32 `[1 or batch]`, `encoder_hidden_states`
 * `[batch, length, width]`; where the configuration asks for them `timestep_cond` `[batch, width]`, `class_labels` int64 `[batch]`,
 * `text_embeds` `[batch, width]` and `time_ids` `[batch, 5 or 6]`; with `residuals` also those that `residualInputs` names.
 * With `textApart` it has keys and values `[batch, length, features]` in place of `encoder_hidden_states`.
 * Output: `out_sample`, of the sample's height and width.
 */
export function unet2dCondition(
  checkpoint: Checkpoint,
  config: UNet2DConditionConfig,
  { residuals = false, branch, tokenMerging, textApart = false, ...options }: UNet2DConditionOptions = {},
): TextNetwork {
  if (branch !== undefined) checkBranch(config, branch);
  const g = new GraphBuilder("unet-2d-condition", options);
  const apart = textApart ? new GraphBuilder("unet-text", options) : undefined;
  const w = new Weights(checkpoint);
  const sample = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const conditioning = { ...unetConditioning(g, w, config, apart), tokenMerging };
  const added = residuals ? declareResiduals(g, config) : undefined;
  const sum = (x: GraphValue, residual: GraphValue | undefined) => (residual ? add(g, x, residual) : x);

  const first = conv2d(g, w.at("conv_in"), sample, { outChannels: config.downBlocks[0]!.channels });
  const states = wayDown(g, w, first, conditioning, added?.intra);
  const middle = unetMiddle(g, w.at("mid_block"), states.at(-1)!, conditioning, added?.isPerturbed);
  const adapted = sum(middle, added?.intra[config.downBlocks.length]);

  const skips = states.map((state, i) => sum(state, added?.down[i]));
  const h = wayUp(g, w, sum(adapted, added?.mid), skips, { ...conditioning, config }, (entering, skip) => {
    if (skip === branch) g.output(deepFeatureName, entering);
  });
  g.output("out_sample", unetPrediction(g, w, h, config));
  return finishTextNetwork(g, w, apart, config);
}
