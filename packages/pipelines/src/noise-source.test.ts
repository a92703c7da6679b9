import { torchCudaRandom, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { noiseSource } from "./noise-source.js";
import type { SeedMode } from "./seed-mode.js";

const shape = [2, 4, 3, 5];
const item = 60;

/** The first two values and the last one of each picture. */
function ends({ data }: { readonly data: Float32Array }): number[][] {
  return Array.from({ length: data.length / item }, (_, i) => {
    const own = data.subarray(i * item, (i + 1) * item);
    return [own[0]!, own[1]!, own.at(-1)!];
  });
}

function expectEnds(noise: { readonly data: Float32Array }, expected: readonly (readonly number[])[]): void {
  expect(ends(noise)).toEqual(expected.map((own) => own.map((value) => expect.closeTo(value, 5))));
}

// torch 1.13 on the CPU; 60 values are no multiple of 16, so that a batch differs from its items drawn apart
describe("noiseSource", () => {
  it("diffusers: one generator for the batch, which goes on; or one per image", async () => {
    const { random, sampling, encodingOf, seeds } = await noiseSource({ seed: 7 }, 2);
    expect([sampling, encodingOf(1), seeds]).toEqual([random, random, [7]]);
    // torch.randn(2, 4, 3, 5, generator=torch.manual_seed(7))
    expectEnds(random.normal(shape), [
      [-0.820135, 0.395631, -2.108533],
      [1.145007, -0.382184, -0.529963],
    ]);
    const list = await noiseSource({ seed: [5, 6], seedMode: "diffusers" }, 2);
    expect(list.seeds).toEqual([5, 6]);
    expect(ends(list.random.normal(shape))[1]).toEqual(ends(torchRandom(6).normal([1, 4, 3, 5]))[0]);
  });

  it("diffusers: the precision of the pipeline and the device of the generator", async () => {
    const seedMode: SeedMode = { program: "diffusers", dtype: "float16" };
    const { random, sampling } = await noiseSource({ seed: 7, seedMode }, 1);
    // g = torch.Generator().manual_seed(7); torch.randn(3, dtype=torch.float16, generator=g)
    expect([...random.normal([3]).data]).toEqual([-0.1468505859375, 0.7861328125, 0.94677734375]);
    expect(sampling).toBe(random);
    const cuda = await noiseSource({ seed: [7, 8], seedMode: { program: "diffusers", device: "cuda" } }, 2);
    expect(ends(cuda.random.normal(shape))[1]).toEqual(ends(torchCudaRandom(8).normal([1, 4, 3, 5]))[0]);
  });

  // gens = [torch.Generator().manual_seed(5 + i) for i in (0, 1)]; [torch.randn((4, 3, 5), generator=g) for g in gens], twice
  const own: SeedMode = { program: "a1111", device: "cpu" };
  const first = [
    [1.84233, 0.518887, -0.604099],
    [-1.211305, 0.630359, 0.889588],
  ];
  const second = [
    [0.977179, 1.649357, -0.658158],
    [2.248114, 0.117731, 1.514504],
  ];

  it("a1111: each image has a generator, seeded seed + i, for its first noise and then its steps", async () => {
    const { random, sampling, encodingOf, seeds } = await noiseSource({ seed: 5, seedMode: own }, 2);
    expect([encodingOf(2), seeds]).toEqual([undefined, [5, 6]]);
    expectEnds(random.normal(shape), first);
    expectEnds(sampling.normal(shape), second);
    expectEnds((await noiseSource({ seed: [6, 5], seedMode: own }, 2)).random.normal(shape), first.toReversed());
  });

  it("a1111: steps with an eta noise seed delta", async () => {
    const { random, sampling } = await noiseSource({ seed: 5, seedMode: { ...own, etaNoiseSeedDelta: 31337 } }, 2);
    expectEnds(random.normal(shape), first);
    // the same with manual_seed(5 + i + 31337), first draw
    expectEnds(sampling.normal(shape), [
      [0.685991, -0.450152, -1.113083],
      [-1.360687, 1.04572, 0.799637],
    ]);
  });

  it("a1111: draws as the GPU does unless told otherwise", async () => {
    const { random } = await noiseSource({ seed: 0, seedMode: "a1111" }, 2);
    const noise = random.normal(shape);
    // torch.manual_seed(0); torch.randn(12, device="cuda"), printed by a GPU
    expect(noise.data[0]).toBeCloseTo(-0.92466259, 6);
    expect(noise.data[59]).toBe(torchCudaRandom(0).normal([4, 3, 5]).data[59]);
    expect(noise.data[60]).toBe(torchCudaRandom(1).normal([1]).data[0]);
  });

  it("comfy: one CPU draw for the batch, and sampler noise from a generator of its own", async () => {
    const { random, sampling, encodingOf, seeds } = await noiseSource({ seed: 7, seedMode: "comfy" }, 2);
    expect([encodingOf(2), seeds]).toEqual([undefined, [7]]);
    // torch.randn(2, 4, 3, 5, generator=torch.manual_seed(7))
    expectEnds(random.normal(shape), [
      [-0.820135, 0.395631, -2.108533],
      [1.145007, -0.382184, -0.529963],
    ]);
    expect(sampling.normal(shape).data).toEqual(torchCudaRandom(7).normal(shape).data);
    const onCpu = await noiseSource({ seed: 7, seedMode: { program: "comfy", device: "cpu" } }, 2);
    // torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(8))
    expectEnds(onCpu.sampling.normal(shape), [
      [-1.189202, 1.393235, 1.942494],
      [1.353077, 2.21773, -0.075225],
    ]);
  });

  it("comfy: pictures by their index in a batch", async () => {
    const seedMode: SeedMode = { program: "comfy", batchIndices: [2, 0] };
    // torch.manual_seed(7); items = [torch.randn(1, 4, 3, 5) for _ in range(3)]; items[2], items[0]
    expectEnds((await noiseSource({ seed: 7, seedMode }, 2)).random.normal(shape), [
      [-0.194143, -1.513994, 0.805229],
      [-0.820135, 0.395631, -0.14394],
    ]);
  });

  it.each(["diffusers", "a1111", "comfy"] as const)(
    "%s: tells the seeds that make the same noise again",
    async (seedMode) => {
      const { random, seeds } = await noiseSource({ seedMode }, 2);
      const [one = 0] = seeds;
      const again = await noiseSource({ seed: one, seedMode }, 2);
      expect(again.seeds).toEqual(seeds);
      expect(again.random.normal(shape).data).toEqual(random.normal(shape).data);
    },
  );

  it("takes a source of the caller's own in place of all that", async () => {
    const random = torchRandom(1);
    const { encodingOf, ...source } = await noiseSource({ random }, 3);
    expect(source).toEqual({ random, sampling: random, seeds: [] });
    expect(encodingOf(2)).toBe(random);
    expect(() => noiseSource({ random, seed: 1 }, 1)).toThrow(/^seed: expected nothing beside random/);
    expect(() => noiseSource({ random, seedMode: "comfy" }, 1)).toThrow(/^seedMode: expected nothing beside random/);
  });

  it.each([
    ["a1112", /^seedMode: expected one of diffusers, a1111, comfy, got "a1112"/],
    [null, /^seedMode: expected one of diffusers, a1111, comfy, got null/],
    [{ program: "comfy", batchIndices: [0] }, /^seedMode: expected 2 non-negative batchIndices/],
    [{ program: "comfy", batchIndices: [0, -1] }, /^seedMode: expected 2 non-negative batchIndices/],
    [{ program: "diffusers", dtype: "float8" }, /^seedMode: expected the dtype float32, float16, bfloat16, got float8/],
    [{ program: "a1111", device: "tpu" }, /^seedMode: expected the device cuda or cpu, got tpu/],
    [{ program: "a1111", etaNoiseSeedDelta: 0.5 }, /^seedMode: expected an integer etaNoiseSeedDelta, got 0.5/],
  ])("refuses the mode %j", async (seedMode, message) => {
    await expect(async () => noiseSource({ seed: 1, seedMode: seedMode as never }, 2)).rejects.toThrow(message);
  });

  it("refuses lists of another length, and any for comfy", async () => {
    expect(() => noiseSource({ seed: [1, 2, 3] }, 2)).toThrow("seed: expected 2 seeds, one per image, got 3");
    await expect(noiseSource({ seed: [1, 2], seedMode: "comfy" }, 2)).rejects.toThrow(
      /^seed: seedMode comfy takes one/,
    );
    expect(() => noiseSource({ seed: 0.5 }, 1)).toThrow(/^seed: expected an integer/);
  });
});
