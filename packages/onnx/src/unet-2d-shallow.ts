import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finishTextNetwork, type TextNetwork, type TextNetworkOptions } from "./text-network.js";
import type { TokenMergers } from "./token-merging.js";
import type { UNet2DConditionConfig } from "./unet-2d-condition-config.js";
import { checkBranch, deepFeatureName } from "./unet-branch.js";
import { unetConditioning } from "./unet-conditioning.js";
import { unetPrediction, wayUp } from "./unet-decoder.js";
import { wayDown } from "./unet-encoder.js";
import { Weights } from "./weights.js";

/** How the graph of the shallow part is built. */
export interface UNet2DShallowOptions extends GraphOptions, TextNetworkOptions {
  /** As in the whole network. */
  readonly tokenMerging?: TokenMergers | undefined;
}

/**
 * The shallow part of a text-conditional UNet (Ma et al. 2023, eq. 7): its skip connections up to number `branch`, from
 * the finest, and the layers that they lead to. What all the others make is the input `deep_feature`, which
 * `unet2dCondition` with the same `branch` has as an output.
 *
 * Further inputs and the output are those of `unet2dCondition`.
 *
 * @throws TypeError or RangeError for a `branch` that there is none of.
 */
export function unet2dShallow(
  checkpoint: Checkpoint,
  config: UNet2DConditionConfig,
  branch: number,
  { tokenMerging, textApart = false, ...options }: UNet2DShallowOptions = {},
): TextNetwork {
  checkBranch(config, branch);
  const g = new GraphBuilder("unet-2d-shallow", options);
  const apart = textApart ? new GraphBuilder("unet-shallow-text", options) : undefined;
  const w = new Weights(checkpoint);
  const sample = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const conditioning = { ...unetConditioning(g, w, config, apart), config, tokenMerging };
  const channels = deepChannels(config, branch);
  const deep = g.floatInput(deepFeatureName, ["batch", channels, "deep_height", "deep_width"]);
  const first = conv2d(g, w.at("conv_in"), sample, { outChannels: config.downBlocks[0]!.channels });
  const skips = wayDown(g, w, first, conditioning, [], branch + 1);
  g.output("out_sample", unetPrediction(g, w, wayUp(g, w, deep, skips, conditioning), config));
  return finishTextNetwork(g, w, apart, config);
}

/** Channels of what enters the layer of a skip connection. */
export function deepChannels({ upBlocks, layersPerBlock, downBlocks }: UNet2DConditionConfig, branch: number): number {
  // from the finest: blocks of one more layer than on the way down
  let first = 0;
  for (const [i, layers] of layersPerBlock.entries()) {
    const next = first + layers + 1;
    const block = upBlocks.at(-1 - i)!;
    if (branch < next - 1) return block.channels;
    // the block's first layer: the state of the coarser block, or of the middle
    if (branch === next - 1) return (upBlocks.at(-2 - i) ?? downBlocks.at(-1)!).channels;
    first = next;
  }
  return downBlocks.at(-1)!.channels;
}
