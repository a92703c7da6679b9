import { concat } from "./batch.js";
import { ndarray } from "./ndarray.js";
import type { RandomSource } from "./random-source.js";
import { type Shape, sizeOf } from "./tensor.js";

/**
 * Draws item i of every batch from source i, so that each picture depends on its own seed only.
 * One source alone serves the whole batch. (Diffusers: `randn_tensor` with a list of generators.) `save` gives the
 * list of their states, or the state of the only one.
 *
 * @throws RangeError when there is no source, or a batch is not as long as the list of sources.
 * @example
 * ```ts
 * const random = randomPerItem([torchRandom(1), torchRandom(2)]);
 * const noise = random.normal([2, 4, 64, 64]);
 * ```
 */
export function randomPerItem(sources: readonly RandomSource[]): RandomSource {
  const [first, ...others] = sources;
  if (!first) throw new RangeError("sources: expected at least one random source, got none");
  if (others.length === 0) return first;
  const perItem = <Values>(shape: Shape, draw: (source: RandomSource, shape: Shape) => Values): Values[] => {
    const [batch, ...item] = shape;
    if (batch !== sources.length) {
      throw new RangeError(`shape: expected a batch of ${sources.length}, one per source, got [${shape.join(", ")}]`);
    }
    return sources.map((source) => draw(source, [1, ...item]));
  };

  return {
    normal: (shape, options) => concat(perItem(shape, (source, item) => source.normal(item, options))),
    uniform: (shape, options) => concat(perItem(shape, (source, item) => source.uniform(item, options))),
    integers(low, high, shape) {
      const values = new Int32Array(sizeOf(shape));
      const items = perItem(shape, (source, item) => source.integers(low, high, item));
      items.forEach(({ data }, i) => {
        values.set(data, i * data.length);
      });
      return ndarray(values, [...shape]);
    },
    save: () => sources.map((source) => source.save()),
  };
}
