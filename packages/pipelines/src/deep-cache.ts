import { contiguous, isRemote, slice, type Tensor } from "@latentkit/core";
import type { SplitUNet } from "@latentkit/models";
import { checkSchedule, type NonUniformSchedule, wholeCalls } from "./deep-cache-schedule.js";
import type { Predictor } from "./guided.js";

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
function splitOf(unet: Splittable, branch: number): SplitUNet {
  if (unet.split) return unet.split(branch);
  throw new TypeError(
    "deepCache: expected a UNet2DConditionModel without ControlNet or T2I-Adapter; this network or pipeline cannot do it",
  );
}

/** What a whole run left for the next ones. */
interface Known {
  readonly context: Tensor;
  readonly deepFeature: Tensor;
}

/**
 * A network for each call of a run that samplers ask for, of `total`. A whole call remembers what its deep layers gave; the
 * others take that of the same texts over, and are whole themselves where there is none: where guidance sets in.
 *
 * @throws what `checkDeepCache` throws.
 */
export function deepCached(unet: Predictor, options: DeepCacheOptions, total: number): (call: number) => Predictor {
  checkDeepCache(options, unet);
  const { interval = 3, branch = 0, nonUniform } = options;
  const { whole, shallow } = splitOf(unet, branch);
  const isWhole = wholeCalls(total, { interval, nonUniform });
  let known: Known[] = [];
  return (call) => {
    if (isWhole.has(call)) known = [];
    const earlier = known;
    return {
      async predict(sample, timestep, context, conditions) {
        const taken = takenOver(earlier, context);
        if (taken) return shallow(sample, timestep, context, taken, conditions);
        const { prediction, deepFeature } = await whole(sample, timestep, context, conditions);
        // of one call, the parts of the context do not stand for one another
        known = [{ context, deepFeature }, ...known];
        return prediction;
      },
    };
  };
}

/** The deep feature of the latest run that was told these texts, for its last items at least. */
function takenOver(known: readonly Known[], context: Tensor): Tensor | undefined {
  const [rows = 0] = context.shape;
  const found = known.find((entry) => endsWith(entry.context, context));
  if (!found) return undefined;
  const { deepFeature } = found;
  const [have = 0] = deepFeature.shape;
  return have === rows || isRemote(deepFeature) ? deepFeature : slice(deepFeature, have - rows, have);
}

function endsWith(all: Tensor, last: Tensor): boolean {
  const [a, b] = [contiguous(all).data, contiguous(last).data];
  const skipped = a.length - b.length;
  return skipped >= 0 && b.every((value, i) => value === a[skipped + i]);
}
