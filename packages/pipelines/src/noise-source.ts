import { type RandomSource, randomPerItem, torchRandom } from "@latentkit/core";
import type { SeedMode } from "./seed-mode.js";
import type { Ready } from "./when-ready.js";

/** Where a run's noise comes from, and the seeds that make it again. */
export interface NoiseSource {
  /** Draws the noise to begin from. */
  readonly random: RandomSource;
  /** Draws what samplers add from step to step; most often the same source, which then goes on. */
  readonly sampling: RandomSource;
  /** Draws the latents of so many given pictures; where there is none they are the encoder's mean. */
  readonly encodingOf: (images: number) => RandomSource | undefined;
  /** One for the whole batch, or one per image; none for a source of the caller's own. */
  readonly seeds: readonly number[];
}

/** What decides on the noise of a run. */
export interface NoiseOptions {
  readonly seed?: number | readonly number[] | undefined;
  readonly seedMode?: SeedMode | undefined;
  readonly random?: RandomSource | undefined;
}

/**
 * A caller's source, or generators as a program seeds them; from an unforeseeable seed when there is none. Those of other
 * programs and devices are loaded first.
 *
 * @throws TypeError for a source beside a seed or a mode; RangeError for an unknown mode, and when a list has another
 * length than there are images.
 */
export function noiseSource(
  { seed, seedMode = "diffusers", random }: NoiseOptions,
  images: number,
): Ready<NoiseSource> {
  if (random) {
    if (seed !== undefined) throw new TypeError("seed: expected nothing beside random, which is a source of its own");
    if (seedMode !== "diffusers")
      throw new TypeError("seedMode: expected nothing beside random, which is a source of its own");
    return { random, sampling: random, encodingOf: () => random, seeds: [] };
  }
  if (typeof seed === "object" && seed.length !== images)
    throw new RangeError(`seed: expected ${images} seeds, one per image, got ${seed.length}`);
  checkProgram(seedMode);
  const given = seed ?? freshSeed();
  return seedMode === "diffusers" ? diffusersNoise(given, torchRandom) : noiseOf(seedMode, given, images);
}

const PROGRAMS: readonly unknown[] = ["diffusers", "a1111", "comfy"];

function checkProgram(seedMode: SeedMode): void {
  const program: unknown = typeof seedMode === "object" ? seedMode?.program : seedMode;
  if (!PROGRAMS.includes(program))
    throw new RangeError(`seedMode: expected one of ${PROGRAMS.join(", ")}, got ${JSON.stringify(seedMode)}`);
}

async function noiseOf(seedMode: SeedMode, seed: number | readonly number[], images: number): Promise<NoiseSource> {
  const { seededNoise } = await import("./seeded-noise.js");
  return seededNoise(seedMode, seed, images);
}

const freshSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

/** One generator for the whole batch, or one per image: Diffusers' `randn_tensor`. */
export function diffusersNoise(seed: number | readonly number[], make: (seed: number) => RandomSource): NoiseSource {
  const seeds = typeof seed === "object" ? seed : [seed];
  const generators = seeds.map(make);
  const first = (count: number) => randomPerItem(generators.slice(0, count));
  const random = first(seeds.length);
  return { random, sampling: random, encodingOf: (images) => (seeds.length === 1 ? random : first(images)), seeds };
}
