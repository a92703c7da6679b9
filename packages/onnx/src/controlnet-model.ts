import { silu } from "./activation.js";
import { add, multiply } from "./arithmetic.js";
import type { Checkpoint } from "./checkpoint.js";
import type { ControlNetConfig } from "./controlnet-config.js";
import { conv2d } from "./conv2d.js";
import { GraphBuilder, type GraphValue } from "./graph-builder.js";
import type { GraphOptions } from "./graph-options.js";
import { finishTextNetwork, type TextNetwork, type TextNetworkOptions } from "./text-network.js";
import { unetConditioning } from "./unet-conditioning.js";
import { unetMiddle, wayDown } from "./unet-encoder.js";
import { Weights } from "./weights.js";

/**
 * A copy of a UNet's first half that turns a picture into what to add to the UNet's hidden states (Zhang et al. 2023, §3;
 * Diffusers' `ControlNetModel`).
 *
 * Inputs: those of the UNet, `controlnet_cond` `[1 or batch, channels, height · f, width · f]` from 0 to 1, and
 * `conditioning_scale` with a factor for each output. Outputs: `down_block_res_samples.0`, … and `mid_block_res_sample`.
 */
export function controlNetModel(
  checkpoint: Checkpoint,
  config: ControlNetConfig,
  { textApart = false, ...options }: GraphOptions & TextNetworkOptions = {},
): TextNetwork {
  const g = new GraphBuilder("controlnet", options);
  const apart = textApart ? new GraphBuilder("controlnet-text", options) : undefined;
  const w = new Weights(checkpoint);
  const sample = g.floatInput("sample", ["batch", config.inChannels, "height", "width"]);
  const conditioning = unetConditioning(g, w, config, apart);
  const condition = g.floatInput("controlnet_cond", ["pictures", config.conditioningChannels, "rows", "columns"]);
  const { channels } = config.downBlocks[0]!;
  const first = add(
    g,
    conv2d(g, w.at("conv_in"), sample, { outChannels: channels }),
    conditionEmbedding(g, w.at("controlnet_cond_embedding"), inOrder(g, condition, config), config),
  );
  const states = wayDown(g, w, first, conditioning);
  const middle = unetMiddle(g, w.at("mid_block"), states.at(-1)!, conditioning);

  const scales = g.floatInput("conditioning_scale", [states.length + 1]);
  const residual = (name: string, state: GraphValue, i: number) => {
    const scale = g.node("Gather", [scales, g.constant("int64", [i])], { shape: [1] });
    const scaled = multiply(g, conv2d(g, w.at(name), state, { kernel: 1 }), scale);
    return config.globalPoolConditions ? meanOfPixels(g, scaled) : scaled;
  };
  for (const [i, state] of states.entries())
    g.output(`down_block_res_samples.${i}`, residual(`controlnet_down_blocks.${i}`, state, i));
  g.output("mid_block_res_sample", residual("controlnet_mid_block", middle, states.length));
  return finishTextNetwork(g, w, apart, config);
}

/** The picture with its channels in the order that the network was trained on. */
function inOrder(g: GraphBuilder, x: GraphValue, { channelOrder, conditioningChannels }: ControlNetConfig): GraphValue {
  if (channelOrder === "rgb") return x;
  const reversed = Array.from({ length: conditioningChannels }, (_, i) => conditioningChannels - 1 - i);
  return g.node("Gather", [x, g.constant("int64", reversed)], { attributes: { axis: 1 }, shape: x.shape });
}

/** Convolutions that make the picture as small as the latents (Zhang et al. 2023, eq. 4; Diffusers' `ControlNetConditioningEmbedding`). */
function conditionEmbedding(g: GraphBuilder, w: Weights, x: GraphValue, config: ControlNetConfig): GraphValue {
  const [narrowest = 0, ...wider] = config.conditioningEmbeddingOutChannels;
  let h = silu(g, conv2d(g, w.at("conv_in"), x, { outChannels: narrowest }));
  for (const [i, outChannels] of wider.entries()) {
    h = silu(g, conv2d(g, w.at(`blocks.${2 * i}`), h));
    h = silu(g, conv2d(g, w.at(`blocks.${2 * i + 1}`), h, { outChannels, stride: 2 }));
  }
  return conv2d(g, w.at("conv_out"), h, { outChannels: config.downBlocks[0]!.channels });
}

/** `[B, C, H, W]` → `[B, C, 1, 1]` */
function meanOfPixels(g: GraphBuilder, x: GraphValue): GraphValue {
  return g.node("ReduceMean", [x, g.constant("int64", [2, 3])], { shape: [...x.shape.slice(0, 2), 1, 1] });
}
