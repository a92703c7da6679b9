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
  const joined = (sample: Tensor) => concatChannels([sample, fitRows(extra, sample.shape[0] ?? 1)]);
  const predict: Predictor["predict"] = (sample, ...rest) => unet.predict(joined(sample), ...rest);
  if (!unet.split) return { predict };
  return {
    predict,
    split(branch) {
      const { whole, shallow } = unet.split!(branch);
      return {
        branch,
        whole: (sample, ...rest) => whole(joined(sample), ...rest),
        shallow: (sample, ...rest) => shallow(joined(sample), ...rest),
      };
    },
  };
}
