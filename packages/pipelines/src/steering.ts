import type { Tensor } from "@latentkit/core";
import type { UNetConditions, UNetResiduals } from "@latentkit/models";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { PipelineComponents } from "./pipeline.js";
import type { PipelineKind } from "./pipeline-kind.js";
import type { PreparedRun } from "./run.js";
import type { RunOptions } from "./run-options.js";
import { type Ready, whenReady } from "./when-ready.js";

/** A call of the network, and where in the run it is. */
export interface UNetCall {
  readonly sample: Tensor;
  readonly timestep: number | readonly number[];
  readonly context: Tensor;
  readonly conditions: UNetConditions;
  /** Network calls that samplers have asked for before this one. */
  readonly index: number;
  /** Those of the whole run. */
  readonly total: number;
}

/** What other networks add to the states of a UNet. */
export interface Steering {
  /** For one call; undefined where they have no say. */
  residuals(call: UNetCall): Promise<UNetResiduals | undefined>;
  /** Frees their memory until they are needed again, where they were opened so. */
  release(): Promise<void>;
}

/** A run of another kind whose network is steered at every call. */
export function steeredRun<
  Components extends PipelineComponents & { readonly unet: ConditionalUNet },
  Options extends RunOptions,
>(
  kind: PipelineKind<Components, Options>,
  parts: Components,
  options: Options,
  steering: Steering,
): Ready<PreparedRun> {
  let index = 0;
  let total = 0;
  const unet = steered(parts.unet, (call) => steering.residuals({ ...call, index, total }));
  return whenReady(kind.prepare({ ...parts, unet }, options), (run) => ({
    ...run,
    async *states(tools) {
      const states = run.states(tools);
      total = run.window.timesteps.length;
      let next = await states.next();
      try {
        for (; !next.done; next = await states.next(yield next.value)) index++;
        return next.value;
      } finally {
        if (!next.done) await states.return(next.value.sample);
        await steering.release();
      }
    },
  }));
}

/** A network to whose states something is added. */
function steered(
  unet: ConditionalUNet,
  residuals: (call: Omit<UNetCall, "index" | "total">) => Promise<UNetResiduals | undefined>,
): ConditionalUNet {
  return {
    config: unet.config,
    async predict(sample, timestep, context, conditions = {}) {
      const added = await residuals({ sample, timestep, context, conditions });
      return unet.predict(sample, timestep, context, { ...conditions, ...added });
    },
    release: async () => unet.release?.(),
    dispose: () => unet.dispose(),
  };
}
