import type { SplitUNet } from "@latentkit/models";
import type { DeepCacheSchedule, NonUniformSchedule } from "./deep-cache-schedule.js";
import type { Predictor } from "./guided.js";
import { checkCount } from "./option-checks.js";

/** How much of the network's work is taken over from earlier steps (Ma et al. 2023, "DeepCache"). */
export interface DeepCacheOptions {
  /** Of how many network calls one is whole; in the others the shallow layers alone run. @default 3 */
  readonly interval?: number;
  /** How many skip connections beyond the finest the shallow layers have: more cost more, and lose less. @default 0 */
  readonly branch?: number;
  /** Whole runs closer together around one of the steps. @default evenly spaced */
  readonly nonUniform?: NonUniformSchedule;
}

/** A run that takes over some of the network's work from step to step. */
export interface ReuseOptions {
  /**
   * Runs the whole network at every third step only, or as it says, and its shallow layers at the others, on top of what
   * the deep ones gave last. An approximation; not beside ControlNets, T2I-Adapters, `perturbedAttention` or ONNX exports.
   * @default no reuse
   */
  readonly deepCache?: DeepCacheOptions | undefined;
}

/** A network that can be cut, or one that cannot. */
export type Splittable = Pick<Predictor, "split">;

/**
 * @throws TypeError or RangeError for options that are wrong, and for a network that cannot be cut.
 */
export function checkDeepCache(options: DeepCacheOptions | undefined, unet: Splittable): void {
  if (options === undefined) return;
  if (!(options instanceof Object))
    throw new TypeError(`deepCache: expected an object such as { interval: 3, branch: 0 }, got ${String(options)}`);
  const { interval = 3, branch = 0, nonUniform } = options;
  checkSchedule({ interval, nonUniform });
  splitOf(unet, branch);
}

/** @throws TypeError for a network that cannot be cut; RangeError for a `branch` that there is none of. */
export function splitOf(unet: Splittable, branch: number): SplitUNet {
  if (unet.split) return unet.split(branch);
  throw new TypeError(
    "deepCache: expected a UNet2DConditionModel without ControlNet or T2I-Adapter; this network or pipeline cannot do it",
  );
}

/** @throws TypeError or RangeError naming the option, its value and what is accepted. */
function checkSchedule({ interval, nonUniform }: DeepCacheSchedule): void {
  checkCount("deepCache.interval", interval);
  if (nonUniform === undefined) return;
  if (!(nonUniform instanceof Object))
    throw new TypeError(
      `deepCache.nonUniform: expected an object such as { center: 15, power: 1.4 }, got ${String(nonUniform)}`,
    );
  const { center, power } = nonUniform;
  if (!Number.isInteger(center) || center < 0)
    throw new RangeError(`deepCache.nonUniform.center: expected 0 or a positive integer, got ${center}`);
  if (!(power > 1 && power < Number.POSITIVE_INFINITY))
    throw new RangeError(`deepCache.nonUniform.power: expected a finite number above 1, got ${power}`);
}
