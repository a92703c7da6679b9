import type { Tensor } from "@latentkit/core";
import { splitKept } from "@latentkit/models";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import type { SettledOptions } from "./denoise.js";
import { type Predictor, partsOf, predictionsOf } from "./guided.js";
import type { RemoteRun } from "./remote-process.js";
import { staysRemote } from "./stays-remote.js";

export { remoteProcess } from "./remote-process.js";

/** A run by `denoise` with its latents on the network's device; undefined where device or sampler cannot do that. */
export async function remoteRun(
  unet: Predictor,
  plan: Plan,
  from: SamplerState,
  context: Tensor,
  options: SettledOptions,
): Promise<RemoteRun | undefined> {
  const { guidance, until = plan.timesteps.length } = options;
  const { device } = unet;
  if (!device || !staysRemote(plan, from, until) || !(await device.isReady())) return undefined;
  return {
    device,
    plan,
    parts: partsOf(from.sample, context),
    predict({ items, all }, timestep, made) {
      const noting: Predictor = {
        async predict(...args) {
          const prediction = await unet.predict(...args);
          made(prediction);
          return prediction;
        },
      };
      return guidance(
        predictionsOf(noting, { items, repeated: () => all, split: splitKept }, timestep, context, options),
      );
    },
  };
}
