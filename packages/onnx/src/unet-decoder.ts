import { silu } from "./activation.js";
import { conv2d } from "./conv2d.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { groupNorm } from "./normalization.js";
import type { UNet2DConditionConfig } from "./unet-2d-condition-config.js";
import type { Conditioning } from "./unet-conditioning.js";
import { isTiledAt, unetLayer } from "./unet-encoder.js";
import { upWay } from "./unet-way.js";
import { upsampler } from "./upsample.js";
import type { Weights } from "./weights.js";

/** Called with what enters each layer on the way up, and the number of the skip connection that it meets there. */
export type LayerVisitor = (entering: GraphValue, branch: number) => void;

/** What every block on the way up shares. */
export interface UpConditioning extends Conditioning {
  readonly config: UNet2DConditionConfig;
}

/**
 * The way up, as far as there are skip connections for it: all of them from the middle's state on, or the first few of
 * the way down from the state that enters the layer of the last of them.
 */
export function wayUp(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  skips: readonly GraphValue[],
  conditioning: UpConditioning,
  visit?: LayerVisitor,
): GraphValue {
  const { config } = conditioning;
  const left = [...skips];
  let passed = skipCount(config) - skips.length;
  let h = x;
  for (const [i, block] of config.upBlocks.entries()) {
    const layers = config.layersPerBlock.at(-1 - i)! + 1;
    const begin = Math.min(passed, layers);
    passed -= begin;
    if (begin === layers) continue;
    const at = w.at(`up_blocks.${i}`);
    const level = config.upBlocks.length - 1 - i;
    const larger = (state: GraphValue, like: GraphValue) =>
      upsampler(g, at.at("upsamplers.0"), state, { like, tiled: isTiledAt(level - 1) });
    const layer = (state: GraphValue, j: number) => unetLayer(g, at, state, j, block, { ...conditioning, level });
    h = upWay(g, h, left, layers, layer, larger, { begin, visit });
  }
  return h;
}

/** Skip connections of a UNet: the first convolution's state, and each one on the way down. */
export function skipCount({ layersPerBlock }: UNet2DConditionConfig): number {
  return layersPerBlock.reduce((sum, layers) => sum + layers + 1, 0);
}

/** The last norm and convolution: the prediction. */
export function unetPrediction(
  g: GraphBuilder,
  w: Weights,
  h: GraphValue,
  { normGroups, normEpsilon, outChannels }: UNet2DConditionConfig,
): GraphValue {
  const normed = silu(g, groupNorm(g, w.at("conv_norm_out"), h, normGroups, normEpsilon));
  return conv2d(g, w.at("conv_out"), normed, { outChannels });
}
