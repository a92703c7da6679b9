import { concat, LatentKitError, slice, type Tensor, tensor } from "@latentkit/core";
import type { Session, Value } from "@latentkit/runtime";
import { type ExportedNetwork, fixedAxis } from "./open-export.js";
import { tensorOutput } from "./tensor-output.js";

/** What Diffusers limits the logarithm of the variance to. */
const LOGVAR_RANGE = [-30, 20] as const;

/** Whether an exported encoder gives latents that it drew itself: exporters call mean and logvar together `latent_parameters`. */
export function drawsLatents(network: ExportedNetwork, latentChannels: number): boolean {
  const [output] = network.outputs;
  const channels = output && fixedAxis(network, output.name, 1);
  return channels === undefined ? output?.name !== "latent_parameters" : channels === latentChannels;
}

/**
 * An exported encoder's session with the outputs of this library's own: `mean` and `logvar`, or `latents` from one that
 * draws them.
 */
export function posteriorSession(session: Session, network: ExportedNetwork, latentChannels: number): Session {
  const { inputs, outputs } = session;
  const [{ name, shape } = { name: "", shape: [] }] = outputs;
  const isDrawn = drawsLatents(network, latentChannels);
  const expected = isDrawn ? latentChannels : 2 * latentChannels;
  const given = isDrawn ? ["latents"] : ["mean", "logvar"];
  return {
    inputs,
    outputs: given.map((output) => ({ name: output, type: "float32", shape })),
    async run(feeds): Promise<Record<string, Value>> {
      const values = tensorOutput(await session.run(feeds, [name]), name);
      if (values.shape[1] !== expected) {
        const message = `${network.graph.location}: its output "${name}" has ${values.shape[1]} channels, expected ${expected}`;
        throw new LatentKitError("unsupported-model", message);
      }
      return isDrawn ? { latents: values } : { mean: half(values, 0), logvar: limited(half(values, 1)) };
    },
    dispose: () => session.dispose(),
  };
}

/** One half of the channels. x: `[batch, 2 · channels, H, W]` */
function half(x: Tensor, index: 0 | 1): Tensor {
  const [batch = 0, channels = 0, ...size] = x.shape;
  const both = tensor(x.data, [2 * batch, channels / 2, ...size]);
  const items = Array.from({ length: batch }, (_, i) => slice(both, 2 * i + index, 2 * i + index + 1));
  return concat(items);
}

function limited(x: Tensor): Tensor {
  const [low, high] = LOGVAR_RANGE;
  return tensor(
    x.data.map((value) => Math.min(Math.max(value, low), high)),
    x.shape,
  );
}
