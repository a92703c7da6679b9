import { concat, type DrawType, type RandomSource, randomPerItem, torchCudaRandom, torchRandom } from "@latentkit/core";
import type { A1111SeedMode, ComfySeedMode, DiffusersSeedMode, SeedMode } from "./seed-mode.js";

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
 * A caller's source, or generators as a program seeds them; from an unforeseeable seed when there is none.
 *
 * @throws TypeError for a source beside a seed or a mode; RangeError for an unknown mode, and when a list has another
 * length than there are images.
 */
export function noiseSource({ seed, seedMode = "diffusers", random }: NoiseOptions, images: number): NoiseSource {
  if (random) {
    if (seed !== undefined) throw new TypeError("seed: expected nothing beside random, which is a source of its own");
    if (seedMode !== "diffusers")
      throw new TypeError("seedMode: expected nothing beside random, which is a source of its own");
    return { random, sampling: random, encodingOf: () => random, seeds: [] };
  }
  if (typeof seed === "object" && seed.length !== images)
    throw new RangeError(`seed: expected ${images} seeds, one per image, got ${seed.length}`);
  const given = seed ?? freshSeed();
  const mode = typeof seedMode === "string" ? plainModes[seedMode] : seedMode;
  switch (mode?.program) {
    case "diffusers":
      return diffusersNoise(mode, given);
    case "a1111":
      return a1111Noise(mode, typeof given === "object" ? given : consecutive(given, images));
    case "comfy":
      return comfyNoise(mode, given, images);
    default:
      mode satisfies never;
      throw new RangeError(`seedMode: expected one of diffusers, a1111, comfy, got ${JSON.stringify(seedMode)}`);
  }
}

const plainModes = {
  diffusers: { program: "diffusers" },
  a1111: { program: "a1111" },
  comfy: { program: "comfy" },
} as const;
const drawTypes: readonly DrawType[] = ["float32", "float16", "bfloat16"];
const devices = { cpu: torchRandom, cuda: torchCudaRandom } as const;

const freshSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

const consecutive = (seed: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => seed + i);

function diffusersNoise({ device = "cpu", dtype }: DiffusersSeedMode, seed: number | readonly number[]): NoiseSource {
  const seeds = typeof seed === "object" ? seed : [seed];
  const generators = seeds.map(generatorOf(device));
  const first = (count: number) => {
    const source = randomPerItem(generators.slice(0, count));
    return dtype ? drawnIn(source, dtype) : source;
  };
  const random = first(seeds.length);
  return { random, sampling: random, encodingOf: (images) => (seeds.length === 1 ? random : first(images)), seeds };
}

function a1111Noise({ device, etaNoiseSeedDelta = 0 }: A1111SeedMode, seeds: readonly number[]): NoiseSource {
  const make = generatorOf(device);
  if (!Number.isInteger(etaNoiseSeedDelta))
    throw new RangeError(`seedMode: expected an integer etaNoiseSeedDelta, got ${etaNoiseSeedDelta}`);
  const perImage = (delta: number) => randomPerItem(seeds.map((seed) => make(seed + delta)));
  const random = perImage(0);
  const sampling = etaNoiseSeedDelta === 0 ? random : perImage(etaNoiseSeedDelta);
  return { random, sampling, encodingOf: () => undefined, seeds };
}

function comfyNoise(
  { device, batchIndices }: ComfySeedMode,
  seed: number | readonly number[],
  images: number,
): NoiseSource {
  if (typeof seed === "object") throw new TypeError("seed: seedMode comfy takes one for the whole batch, got a list");
  const make = generatorOf(device);
  const whole = torchRandom(seed);
  const random = batchIndices ? pickedItems(whole, checkedIndices(batchIndices, images)) : whole;
  const sampling = make(device === "cpu" ? seed + 1 : seed);
  return { random, sampling, encodingOf: () => undefined, seeds: [seed] };
}

function generatorOf(device: "cuda" | "cpu" = "cuda"): (seed: number) => RandomSource {
  if (Object.hasOwn(devices, device)) return (seed) => devices[device](seed);
  throw new RangeError(`seedMode: expected the device cuda or cpu, got ${String(device)}`);
}

function drawnIn(source: RandomSource, dtype: DrawType): RandomSource {
  if (!drawTypes.includes(dtype))
    throw new RangeError(`seedMode: expected the dtype ${drawTypes.join(", ")}, got ${dtype}`);
  return {
    ...source,
    normal: (shape, options) => source.normal(shape, { dtype, ...options }),
    uniform: (shape, options) => source.uniform(shape, { dtype, ...options }),
  };
}

function checkedIndices(indices: readonly number[], images: number): readonly number[] {
  if (indices.length === images && indices.every((index) => Number.isInteger(index) && index >= 0)) return indices;
  throw new RangeError(
    `seedMode: expected ${images} non-negative batchIndices, one per image, got [${indices.join()}]`,
  );
}

/** Draws normals item by item as far as needed, and keeps those at the indices. */
function pickedItems(source: RandomSource, indices: readonly number[]): RandomSource {
  const count = Math.max(...indices) + 1;
  return {
    ...source,
    normal([, ...item], options) {
      const drawn = Array.from({ length: count }, () => source.normal([1, ...item], options));
      return concat(indices.flatMap((index) => drawn[index] ?? []));
    },
  };
}
