import type { RandomSource } from "@latentkit/core";

/** A source of random numbers that can give its last ones again. */
export interface Replayable {
  readonly random: RandomSource;
  /** Gives everything since the last `forget` again, in the same order, before it goes on. */
  rewind(): void;
  /** Remembers from here on. */
  forget(): void;
}

/** Remembers what a source gave. */
export function replayable(source: RandomSource): Replayable {
  let drawn: unknown[] = [];
  let next = 0;
  function again<Value>(draw: () => Value): Value {
    if (next === drawn.length) drawn.push(draw());
    // the same calls come in the same order
    return drawn[next++] as Value;
  }
  return {
    random: {
      normal: (shape, options) => again(() => source.normal(shape, options)),
      uniform: (shape, options) => again(() => source.uniform(shape, options)),
      integers: (low, high, shape) => again(() => source.integers(low, high, shape)),
      save: () => source.save(),
    },
    rewind() {
      next = 0;
    },
    forget() {
      drawn = drawn.slice(next);
      next = 0;
    },
  };
}
