import { concatChannels, type Tensor } from "@latentkit/core";
import { fitRows, type Predictor } from "./guided.js";

/**
 * A network that sees more than the latents: `extra`, `[batch, channels, height, width]`, is put beside every sample.
 *
 * @param extra for each item of the batch, or for each of the context.
 * @example
 * ```ts
 * const noise = await guided(withChannels(unet, condition), latents, timestep, context, 7.5);
 * ```
 */
export function withChannels(unet: Predictor, extra: Tensor): Predictor {
  return {
    predict: (sample, timestep, context, conditions) =>
      unet.predict(concatChannels([sample, fitRows(extra, sample.shape[0] ?? 1)]), timestep, context, conditions),
  };
}
