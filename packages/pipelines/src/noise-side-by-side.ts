import { concat, ndarray, type RandomSource, type Shape } from "@latentkit/core";
import type { NoiseSource } from "./noise-source.js";

/** The noise of several runs as that of one: each draws for its own pictures, as many of them as it would alone. */
export function noiseSideBySide(runs: readonly NoiseSource[], images: number): NoiseSource {
  const [first] = runs;
  if (!first) throw new RangeError("runs: expected at least one, got none");
  if (runs.length === 1) return first;
  return {
    random: sideBySide(
      runs.map(({ random }) => random),
      images,
    ),
    sampling: sideBySide(
      runs.map(({ sampling }) => sampling),
      images,
    ),
    encodingOf() {
      const sources = runs.flatMap((run) => run.encodingOf(images) ?? []);
      return sources.length === runs.length ? sideBySide(sources, images) : undefined;
    },
    seeds: runs.flatMap(({ seeds }) => seeds),
  };
}

function sideBySide(sources: readonly RandomSource[], items: number): RandomSource {
  const each = <Values>(shape: Shape, draw: (source: RandomSource, shape: Shape) => Values): Values[] => {
    const [batch, ...item] = shape;
    if (batch !== sources.length * items)
      throw new RangeError(`shape: expected a batch of ${sources.length * items}, got [${shape.join(", ")}]`);
    return sources.map((source) => draw(source, [items, ...item]));
  };
  return {
    normal: (shape, options) => concat(each(shape, (source, part) => source.normal(part, options))),
    uniform: (shape, options) => concat(each(shape, (source, part) => source.uniform(part, options))),
    integers(low, high, shape) {
      const drawn = each(shape, (source, part) => [...source.integers(low, high, part).data]);
      return ndarray(Int32Array.from(drawn.flat()), [...shape]);
    },
    save: () => sources.map((source) => source.save()),
  };
}
