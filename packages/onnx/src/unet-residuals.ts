import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import type { UNetEncoderConfig } from "./unet-encoder-config.js";

/** Channels, height and width of a hidden state. */
export type StateShape = readonly [channels: number, height: number, width: number];

/** Where a UNet takes what other networks add to it. */
export interface UNetStateShapes {
  /** The first convolution's state and every one on the way down: a ControlNet's. */
  readonly down: readonly StateShape[];
  readonly mid: StateShape;
  /** Each block's last state, and the middle's: a T2I-Adapter's. */
  readonly intra: readonly StateShape[];
}

/** The hidden states of a UNet on latents of a size, without the batch. */
export function unetStateShapes(config: UNetEncoderConfig, height: number, width: number): UNetStateShapes {
  const { downBlocks, layersPerBlock, downsamplePadding } = config;
  // without padding of its own, the convolution sees one more row and column below and right
  const halved = (side: number) => (downsamplePadding === 0 ? Math.floor(side / 2) : Math.ceil(side / 2));
  let size: readonly [number, number] = [height, width];
  const down: StateShape[] = [[downBlocks[0]!.channels, ...size]];
  const intra: StateShape[] = [];
  for (const [i, { channels, transformerLayers }] of downBlocks.entries()) {
    const layers = new Array<StateShape>(layersPerBlock[i]!).fill([channels, ...size]);
    const isLast = i === downBlocks.length - 1;
    if (!isLast) size = [halved(size[0]), halved(size[1])];
    down.push(...layers, ...(isLast ? [] : [[channels, ...size] as const]));
    intra.push(transformerLayers > 0 ? layers.at(-1)! : [channels, ...size]);
  }
  const mid: StateShape = [downBlocks.at(-1)!.channels, ...size];
  return { down, mid, intra: [...intra, mid] };
}

/** What is added to the hidden states, as inputs that broadcast. */
export interface ResidualValues {
  readonly down: readonly GraphValue[];
  readonly mid: GraphValue;
  readonly intra: readonly GraphValue[];
  /** Whether the middle's self-attention is the identity, `[1]`; where it has any. */
  readonly isPerturbed: GraphValue | undefined;
}

/** Whether the middle of a UNet has self-attention, which can be perturbed. */
export function hasMiddleAttention({ midBlock }: UNetEncoderConfig): boolean {
  return midBlock !== undefined && midBlock.transformerLayers > 0 && !midBlock.onlyCrossAttention;
}

/** Names of the inputs, after Diffusers' arguments. */
export const residualInputs = {
  down: (i: number): string => `down_block_additional_residuals.${i}`,
  mid: "mid_block_additional_residual",
  intra: (i: number): string => `down_intrablock_additional_residuals.${i}`,
  /** 1 where the middle's self-attention is to be the identity, else 0. */
  perturbed: "perturbed_attention",
};

/** Declares inputs for everything that can be added; any of them may have a batch, height or width of 1. */
export function declareResiduals(g: GraphBuilder, config: UNetEncoderConfig): ResidualValues {
  // an axis of 1 must not share the name of one that is longer
  const input = (name: string, [channels]: StateShape) =>
    g.floatInput(name, [`${name}.batch`, channels, `${name}.height`, `${name}.width`]);
  const { down, mid, intra } = unetStateShapes(config, 1, 1);
  return {
    down: down.map((shape, i) => input(residualInputs.down(i), shape)),
    mid: input(residualInputs.mid, mid),
    intra: intra.map((shape, i) => input(residualInputs.intra(i), shape)),
    isPerturbed: hasMiddleAttention(config) ? perturbation(g) : undefined,
  };
}

function perturbation(g: GraphBuilder): GraphValue {
  const input = g.input(residualInputs.perturbed, "float32", [1]);
  return g.node("Greater", [input, g.constant("float32", [0])], { type: "bool", shape: [1] });
}
