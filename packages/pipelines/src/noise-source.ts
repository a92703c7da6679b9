import { type RandomSource, randomPerItem, torchRandom } from "@latentkit/core";

/** Where a run's noise comes from, and the seeds that make it again. */
export interface NoiseSource {
  readonly random: RandomSource;
  /** One for the whole batch, or one per image; none for a source of the caller's own. */
  readonly seeds: readonly number[];
}

/**
 * A caller's source, or torch's generator: one for the whole batch from one seed, one per image from a list,
 * and from an unforeseeable seed when there is none. (Diffusers: `generator`.)
 *
 * @throws TypeError for both a seed and a source; RangeError when a list has another length than there are images.
 */
export function noiseSource(
  seed: number | readonly number[] | undefined,
  random: RandomSource | undefined,
  images: number,
): NoiseSource {
  if (random && seed !== undefined)
    throw new TypeError("seed: expected nothing beside random, which is a source of its own");
  if (random) return { random, seeds: [] };
  if (typeof seed === "object") {
    if (seed.length !== images)
      throw new RangeError(`seed: expected ${images} seeds, one per image, got ${seed.length}`);
    return { random: randomPerItem(seed.map((value) => torchRandom(value))), seeds: seed };
  }
  const [fresh = 0] = seed === undefined ? crypto.getRandomValues(new Uint32Array(1)) : [seed];
  return { random: torchRandom(fresh), seeds: [fresh] };
}
