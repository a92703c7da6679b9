import { type Activation, activate, activations, relu } from "./activation.js";
import { add, numberLike, scale } from "./arithmetic.js";
import type { Autoencoder } from "./autoencoder-kl.js";
import type { Checkpoint } from "./checkpoint.js";
import { ConfigReader } from "./config-reader.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { upsampleNearest } from "./upsample.js";
import { Weights } from "./weights.js";

/** What shapes a tiny autoencoder (`vae/config.json` of an `AutoencoderTiny`). */
export interface AutoencoderTinyConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  readonly encoderChannels: readonly number[];
  readonly encoderBlocks: readonly number[];
  readonly decoderChannels: readonly number[];
  readonly decoderBlocks: readonly number[];
  readonly upsamplingFactor: number;
  readonly activation: Activation;
  readonly scalingFactor: number;
  readonly shiftFactor: number;
  /** Latents of ±this magnitude map to 0…1 when they are stored as a picture. */
  readonly latentMagnitude: number;
  readonly latentShift: number;
}

/** Reads the configuration of an `AutoencoderTiny`. */
export function autoencoderTinyConfig(json: unknown, file = "vae/config.json"): AutoencoderTinyConfig {
  const read = new ConfigReader(json, file);
  read.only("upsample_fn", "nearest");
  const widths = [64, 64, 64, 64];
  const half = (name: "encoder" | "decoder", blocks: readonly number[]) => {
    const depths = read.counts(`num_${name}_blocks`, blocks);
    const channels = read.counts(`${name}_block_out_channels`, widths);
    read.sameLength(`${name}_block_out_channels`, channels, depths.length);
    return { channels, depths };
  };
  const encoder = half("encoder", [1, 3, 3, 3]);
  const decoder = half("decoder", [3, 3, 3, 1]);
  return {
    inChannels: read.count("in_channels", 3),
    outChannels: read.count("out_channels", 3),
    latentChannels: read.count("latent_channels", 4),
    encoderChannels: encoder.channels,
    encoderBlocks: encoder.depths,
    decoderChannels: decoder.channels,
    decoderBlocks: decoder.depths,
    upsamplingFactor: read.count("upsampling_scaling_factor", 2),
    activation: read.oneOf("act_fn", activations, "relu"),
    scalingFactor: read.number("scaling_factor", 1),
    shiftFactor: read.number("shift_factor", 0),
    latentMagnitude: read.number("latent_magnitude", 3),
    latentShift: read.number("latent_shift", 0.5),
  };
}

/** The distilled autoencoder for previews (TAESD, Bohan 2023; Diffusers' `AutoencoderTiny`). It has no posterior: `logvar` is missing. */
export function autoencoderTiny(
  checkpoint: Checkpoint,
  config: AutoencoderTinyConfig,
  options?: GraphOptions,
): Autoencoder {
  const weights = new Weights(checkpoint);
  const encoder = encoderGraph(new GraphBuilder("autoencoder-tiny-encoder", options), weights, config);
  const decoder = decoderGraph(new GraphBuilder("autoencoder-tiny-decoder", options), weights, config);
  return { encoder, decoder, unusedTensors: weights.unused() };
}

function encoderGraph(g: GraphBuilder, weights: Weights, config: AutoencoderTinyConfig): Autoencoder["encoder"] {
  const image = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const next = layerNames(weights.at("encoder.layers"));
  // from [-1, 1] to the [0, 1] that it was trained on
  let h = scale(g, add(g, image, numberLike(g, image, 1)), 0.5);
  for (const [i, blocks] of config.encoderBlocks.entries()) {
    const outChannels = config.encoderChannels[i]!;
    h = conv2d(g, next(), h, i === 0 ? { outChannels } : { outChannels, stride: 2, bias: false });
    for (let j = 0; j < blocks; j++) h = residual(g, next(), h, config.activation);
  }
  g.output("mean", conv2d(g, next(), h, { outChannels: config.latentChannels }));
  return g.build();
}

function decoderGraph(g: GraphBuilder, weights: Weights, config: AutoencoderTinyConfig): Autoencoder["decoder"] {
  const latent = g.floatInput("latent_sample", ["batch", config.latentChannels, "height", "width"]);
  const next = layerNames(weights.at("decoder.layers"));
  let h = activate(
    g,
    config.activation,
    conv2d(g, next(), softClamp(g, latent), { outChannels: config.decoderChannels[0]! }),
  );
  next(); // the activation has a number too
  for (const [i, blocks] of config.decoderBlocks.entries()) {
    for (let j = 0; j < blocks; j++) h = residual(g, next(), h, config.activation);
    const isLast = i === config.decoderBlocks.length - 1;
    if (!isLast) {
      h = upsampleNearest(g, h, config.upsamplingFactor);
      next(); // and so has the enlargement
    }
    h = conv2d(g, next(), h, isLast ? { outChannels: config.outChannels } : { bias: false });
  }
  g.output("sample", add(g, scale(g, h, 2), numberLike(g, h, -1)));
  return g.build();
}

/** Modules by their running number. */
function layerNames(w: Weights): () => Weights {
  let index = 0;
  return () => w.at(String(index++));
}

/** 3·tanh(x / 3). */
function softClamp(g: GraphBuilder, x: GraphValue): GraphValue {
  return scale(g, g.node("Tanh", [scale(g, x, 1 / 3)], { shape: x.shape }), 3);
}

/** relu(conv(act(conv(act(conv(x))))) + x) */
function residual(g: GraphBuilder, w: Weights, x: GraphValue, activation: Activation): GraphValue {
  const inner = ["0", "2", "4"].reduce(
    (h, name, i) => conv2d(g, w.at(`conv.${name}`), i === 0 ? h : activate(g, activation, h)),
    x,
  );
  return relu(g, add(g, inner, x));
}
