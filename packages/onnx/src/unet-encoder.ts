import { add } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { resnetBlock } from "./resnet-block.js";
import type { TextSource } from "./text-source.js";
import { type TransformerOptions, transformer2d } from "./transformer-2d.js";
import type { Conditioning } from "./unet-conditioning.js";
import type { UNetBlock, UNetEncoderConfig } from "./unet-encoder-config.js";
import { downsampler, downWay } from "./unet-way.js";
import type { Weights } from "./weights.js";

/**
 * The way down from what the first convolution gave: that, and every hidden state after it.
 *
 * @param features what a T2I-Adapter adds to each block's last state, from the finest down.
 * @param count how many states to go down to.
 */
export function wayDown(
  g: GraphBuilder,
  w: Weights,
  first: GraphValue,
  conditioning: Conditioning,
  features: readonly GraphValue[] = [],
  count: number = Number.POSITIVE_INFINITY,
): GraphValue[] {
  const states = [first];
  for (const [i, block] of conditioning.config.downBlocks.entries()) {
    const shared = { ...conditioning, block, feature: features[i], count: count - states.length };
    states.push(...downBlock(g, w.at(`down_blocks.${i}`), states.at(-1)!, shared, i));
  }
  return states;
}

/** One resolution, and what is added to it. */
interface DownBlock extends Conditioning {
  readonly block: UNetBlock;
  readonly feature: GraphValue | undefined;
  /** How many states are wanted at most. */
  readonly count: number;
}

/** Residual blocks, each followed by its transformers, then half the size. Returns every hidden state on the way. */
function downBlock(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  { block, feature, count, ...shared }: DownBlock,
  index: number,
): GraphValue[] {
  if (count <= 0) return [];
  const { layersPerBlock, downBlocks, downsamplePadding } = shared.config;
  const layers = layersPerBlock[index]!;
  const adapted = (h: GraphValue) => (feature ? add(g, h, feature) : h);
  // Diffusers adds before the smaller size where there are transformers, and after it where there are none
  const isBefore = block.transformerLayers > 0;
  const layer = (h: GraphValue, j: number) => {
    const state = unetLayer(g, w, h, j, block, { ...shared, level: index });
    return isBefore && j === layers - 1 ? adapted(state) : state;
  };
  const smaller = (h: GraphValue) => downsampler(g, w.at("downsamplers.0"), h, downsamplePadding);
  const isLast = index === downBlocks.length - 1 || count <= layers;
  const states = downWay(x, Math.min(layers, count), layer, isLast ? undefined : smaller);
  return isBefore ? states : states.with(-1, adapted(states.at(-1)!));
}

/** What a layer is told, and its resolution, counted from the finest. */
export interface LayerConditioning extends Conditioning {
  readonly level: number;
}

/** Whether convolutions are computed by tiles: of coarser states there are too few for their larger weights to pay. */
export const isTiledAt = (level: number): boolean => level < 2;

/** One residual block and its transformers. */
export function unetLayer(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  j: number,
  block: UNetBlock,
  { config, time, text, tokenMerging, level }: LayerConditioning,
): GraphValue {
  const { normGroups: groups, normEpsilon: epsilon } = config;
  const resnet = { groups, epsilon, time, outChannels: block.channels, tiled: isTiledAt(level) };
  const h = resnetBlock(g, w.at(`resnets.${j}`), x, resnet);
  if (block.transformerLayers === 0) return h;
  const options = { ...transformerOptions(block, config, text), merging: tokenMerging?.(level) };
  return transformer2d(g, w.at(`attentions.${j}`), h, options);
}

function transformerOptions(block: UNetBlock, config: UNetEncoderConfig, text: TextSource): TransformerOptions {
  const { heads, transformerLayers, onlyCrossAttention } = block;
  return { heads, layers: transformerLayers, onlyCrossAttention, groups: config.normGroups, text };
}

/**
 * Two residual blocks with transformers between them; one alone where there are none.
 *
 * @param isPerturbed whether their self-attention is the identity.
 */
export function unetMiddle(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  { config, time, text, tokenMerging }: Conditioning,
  isPerturbed?: GraphValue,
): GraphValue {
  const { midBlock, normGroups: groups, normEpsilon: epsilon, midBlockScale: outputScale } = config;
  if (!midBlock) return x;
  const resnet = (name: string, value: GraphValue) =>
    resnetBlock(g, w.at(name), value, { groups, epsilon, time, outputScale });
  const first = resnet("resnets.0", x);
  if (midBlock.transformerLayers === 0) return first;
  const merging = tokenMerging?.(config.downBlocks.length - 1);
  const options = { ...transformerOptions(midBlock, config, text), isPerturbed, merging };
  return resnet("resnets.1", transformer2d(g, w.at("attentions.0"), first, options));
}
