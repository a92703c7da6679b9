import { relu } from "./activation.js";
import { add, fixedAxis } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finish, type Network } from "./network.js";
import { averagePool } from "./pooling.js";
import type { T2IAdapterConfig } from "./t2i-adapter-config.js";
import { Weights } from "./weights.js";

/** One resolution of the adapter. */
interface AdapterBlock {
  readonly outChannels: number;
  /** Whether it begins with half the size. */
  readonly down: boolean;
}

/**
 * A small network that turns a picture into what to add to a UNet's hidden states, once for all steps (Mou et al. 2023, §3.2;
 * Diffusers' `T2IAdapter`).
 *
 * Input: `image` `[batch, channels, height, width]` from 0 to 1. Outputs: `feature.0`, … from the finest down.
 */
export function t2iAdapter(checkpoint: Checkpoint, config: T2IAdapterConfig, options?: GraphOptions): Network {
  const g = new GraphBuilder("t2i-adapter", options);
  const w = new Weights(checkpoint).at("adapter");
  const isLight = config.adapterType === "light_adapter";
  const image = g.floatInput("image", ["batch", config.inChannels, "height", "width"]);
  const squares = pixelUnshuffle(g, image, config.downscaleFactor);
  let h = isLight ? squares : conv2d(g, w.at("conv_in"), squares, { outChannels: config.channels[0]! });
  for (const [i, block] of blocksOf(config).entries()) {
    const resized = block.down ? averagePool(g, h, { ceil: true }) : h;
    h = (isLight ? lightBlock : fullBlock)(g, w.at(`body.${i}`), resized, block.outChannels, config.numResBlocks);
    g.output(`feature.${i}`, h);
  }
  return finish(g, w);
}

function blocksOf({ adapterType, channels }: T2IAdapterConfig): readonly AdapterBlock[] {
  // SDXL's UNet begins at half the size and has one resolution less
  if (adapterType === "full_adapter_xl") return channels.map((outChannels, i) => ({ outChannels, down: i === 2 }));
  const blocks = channels.map((outChannels, i) => ({ outChannels, down: i > 0 }));
  return adapterType === "full_adapter" ? blocks : [...blocks, { outChannels: channels.at(-1)!, down: true }];
}

/** Squares of r×r pixels as channels, r² for each channel that there was (PyTorch's `PixelUnshuffle`). */
function pixelUnshuffle(g: GraphBuilder, x: GraphValue, r: number): GraphValue {
  const channels = fixedAxis(x.shape, 1);
  const shape = [x.shape[0] ?? "batch", channels * r * r, `${x.shape[2]}/${r}`, `${x.shape[3]}/${r}`];
  const squares = g.node("SpaceToDepth", [x], { attributes: { blocksize: r }, shape });
  // ONNX puts the channels of one pixel together, PyTorch the pixels of one channel
  const order = Array.from({ length: channels * r * r }, (_, i) => (i % (r * r)) * channels + Math.floor(i / (r * r)));
  return g.node("Gather", [squares, g.constant("int64", order)], { attributes: { axis: 1 }, shape });
}

/** Diffusers' `AdapterBlock`. */
function fullBlock(g: GraphBuilder, w: Weights, x: GraphValue, outChannels: number, layers: number): GraphValue {
  const widened = fixedAxis(x.shape, 1) === outChannels ? x : conv2d(g, w.at("in_conv"), x, { outChannels, kernel: 1 });
  return residualLayers(g, w, widened, layers, 1);
}

/** Diffusers' `LightAdapterBlock`: its layers have a quarter of the channels. */
function lightBlock(g: GraphBuilder, w: Weights, x: GraphValue, outChannels: number, layers: number): GraphValue {
  const narrow = conv2d(g, w.at("in_conv"), x, { outChannels: Math.floor(outChannels / 4), kernel: 1 });
  return conv2d(g, w.at("out_conv"), residualLayers(g, w, narrow, layers, 3), { outChannels, kernel: 1 });
}

/** x + conv₂(relu(conv₁ x)), so many times. */
function residualLayers(g: GraphBuilder, w: Weights, x: GraphValue, layers: number, kernel: number): GraphValue {
  let h = x;
  for (let i = 0; i < layers; i++) {
    const inner = relu(g, conv2d(g, w.at(`resnets.${i}.block1`), h));
    h = add(g, conv2d(g, w.at(`resnets.${i}.block2`), inner, { kernel }), h);
  }
  return h;
}
