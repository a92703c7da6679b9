import { contiguous, isRemote, slice, type Tensor } from "@latentkit/core";
import { checkDeepCache, type DeepCacheOptions, splitOf } from "./deep-cache-options.js";
import { wholeCalls } from "./deep-cache-schedule.js";
import type { Predictor } from "./guided.js";

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
