import { concat, type DrawType, type RandomSource, randomPerItem, torchCudaRandom, torchRandom } from "@latentkit/core";
import { diffusersNoise, type NoiseSource } from "./noise-source.js";
import type { A1111SeedMode, ComfySeedMode, DiffusersSeedMode, SeedMode } from "./seed-mode.js";

/**
 * Generators as a program seeds them, on a device, in a precision.
 *
 * @throws RangeError for an unknown device or precision, and for options that do not fit; TypeError for a list of
 * seeds where a program takes one.
 */
export function seededNoise(seedMode: SeedMode, seed: number | readonly number[], images: number): NoiseSource {
  const mode = typeof seedMode === "string" ? plainModes[seedMode] : seedMode;
  switch (mode.program) {
    case "diffusers":
      return diffusersNoise(seed, diffusersGenerator(mode));
    case "a1111":
      return a1111Noise(mode, typeof seed === "object" ? seed : consecutive(seed, images));
    case "comfy":
      return comfyNoise(mode, seed, images);
    default:
      mode satisfies never;
      return mode;
  }
}

const plainModes = {
  diffusers: { program: "diffusers" },
  a1111: { program: "a1111" },
  comfy: { program: "comfy" },
} as const;
const drawTypes: readonly DrawType[] = ["float32", "float16", "bfloat16"];
const devices = { cpu: torchRandom, cuda: torchCudaRandom } as const;

const consecutive = (seed: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => seed + i);

function diffusersGenerator({ device = "cpu", dtype }: DiffusersSeedMode): (seed: number) => RandomSource {
  const make = generatorOf(device);
  return dtype ? (seed) => drawnIn(make(seed), dtype) : make;
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
