import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler, EulerAncestralDiscreteScheduler } from "@latentkit/schedulers";
import { afterAll, describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import type { BatchResult } from "./batch-options.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

// graphs are opened by the dozen: what optimizing them takes is more than it saves
const sessionOptions = { graphOptimizationLevel: "disabled" } as const;
const cpu = await onnxruntimeNode({ device: "cpu", worker: false, threads: 1, sessionOptions });
const options = { height: 48, width: 64, numInferenceSteps: 3, outputType: "latent", seed: 5 } as const;
const prompts = ["a cat", "a red apple", "", "a house on a hill"];

const pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend: cpu });
// draws noise at every step
pipe.scheduler = EulerAncestralDiscreteScheduler.fromConfig(pipe.scheduler.config);
afterAll(() => pipe.dispose());

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const latentsOf = (results: readonly BatchResult<never>[]) => results.map(({ latents }) => latents.data);

/** A source that writes down how far it was read, and whether it was told to stop. */
function watchedSource(items: readonly string[]) {
  const seen = { read: 0, closed: false };
  async function* source() {
    try {
      for (const item of items) {
        seen.read++;
        yield item;
      }
    } finally {
      seen.closed = true;
    }
  }
  return { seen, source: source() };
}

describe("batch", () => {
  it("gives for each prompt exactly what generate gives, in order", async () => {
    const alone: Float32Array[] = [];
    for (const prompt of prompts) alone.push((await pipe.generate({ ...options, prompt })).latents.data);
    const results = await all(pipe.batch(prompts, options));
    expect(latentsOf(results as never)).toEqual(alone);
    expect(results.map(({ index, item, seeds }) => [index, item, seeds])).toEqual(
      prompts.map((prompt, i) => [i, prompt, [5]]),
    );
    const { source } = watchedSource(prompts);
    expect(latentsOf((await all(pipe.batch(source, options))) as never)).toEqual(alone);
    expect(await all(pipe.batch([], options))).toEqual([]);
  });

  it.each([2, 3, 4])("takes %i prompts through the network together, each with its own noise", async (batchSize) => {
    for (const numImagesPerPrompt of [1, 2]) {
      const common = { ...options, numImagesPerPrompt };
      const items = [
        ...prompts.slice(0, 2),
        { prompt: "a tree", seed: 9, negativePrompt: "grey" },
        { prompt: "a tree", numInferenceSteps: 2 },
      ];
      const results = await all(pipe.batch(items, { ...common, batchSize }));
      for (const [i, item] of items.entries()) {
        const own = typeof item === "string" ? { prompt: item } : item;
        const { latents, seeds } = await pipe.generate({ ...common, ...own });
        expect(results[i]?.seeds).toEqual(seeds);
        // sums of more rows may be rounded otherwise
        expect(maxDifference(results[i]!.latents, latents)).toBeLessThan(1e-4);
      }
    }
  });

  it("makes pictures and tensors of each prompt, for SDXL too", async () => {
    await using xl = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { backend: cpu });
    const results = await all(xl.batch(prompts, { ...options, outputType: "image", batchSize: 2 }));
    expect(results.map(({ images }) => images.map(({ width, height }) => [width, height]))).toEqual(
      prompts.map(() => [[64, 48]]),
    );
    const { images } = await xl.generate({ ...options, outputType: "image", prompt: prompts[3]! });
    const difference = images[0]!.data.map((value, i) => Math.abs(value - results[3]!.images[0]!.data[i]!));
    expect(Math.max(...difference)).toBeLessThanOrEqual(1);
  });

  it("reads no further ahead than it is told", async () => {
    for (const [lookAhead, read] of [
      [0, 1],
      [2, 3],
    ] as const) {
      const { seen, source } = watchedSource(prompts);
      const run = pipe.batch(source, { ...options, lookAhead });
      await run.next();
      expect(seen.read).toBeLessThanOrEqual(read);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(seen.read).toBeLessThanOrEqual(read);
      await run.return();
      expect(seen.closed).toBe(true);
    }
  });

  it("hands a picture out while it waits for the next prompt", async () => {
    const answered: ((value: unknown) => void)[] = [];
    async function* slow() {
      yield "a cat";
      // only when the first picture is there
      await new Promise((resolve) => answered.push(resolve));
      yield "a dog";
    }
    const run = pipe.batch(slow(), { ...options, batchSize: 2 });
    expect((await run.next()).value).toMatchObject({ index: 0, item: "a cat" });
    for (const answer of answered) answer(undefined);
    expect((await run.next()).value).toMatchObject({ index: 1, item: "a dog" });
    expect((await run.next()).done).toBe(true);
  });

  it("encodes the next text and decodes the last picture while the network is busy", async () => {
    const moments: string[] = [];
    const backend: typeof cpu = {
      ...cpu,
      async createSession(model) {
        const session = await cpu.createSession(model);
        const kind = session.inputs.map(({ name }) => name).includes("input_ids")
          ? "text"
          : session.inputs.some(({ name }) => name === "timestep")
            ? "unet"
            : "decode";
        return {
          ...session,
          run(feeds, outputs) {
            moments.push(kind);
            return session.run(feeds, outputs);
          },
        };
      },
    };
    await using own = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
    await using ddim = StableDiffusionPipeline.fromPipe(own, { scheduler: DDIMScheduler.fromConfig({}) });
    await all(ddim.batch(prompts, { ...options, outputType: "image" }));
    const firstDecoding = moments.indexOf("decode");
    // texts of the third and fourth are read before the first picture is decoded, the steps go on in order
    expect(moments.slice(0, firstDecoding).filter((kind) => kind === "text").length).toBeGreaterThanOrEqual(3);
    expect(moments.filter((kind) => kind === "unet")).toHaveLength(4 * 3);
  });

  it("throws the error of a prompt in its place, and ends", async () => {
    const run = pipe.batch(["a cat", { prompt: "a dog", height: 50 }, "a cow"], options);
    expect((await run.next()).value).toMatchObject({ index: 0 });
    await expect(run.next()).rejects.toThrow(
      new RangeError("height: expected a positive multiple of 8 pixels, got 50"),
    );
    expect((await run.next()).done).toBe(true);
  });

  it.each([1, 3])("leaves out what failed, where somebody is told (%i together)", async (batchSize) => {
    const failures: unknown[] = [];
    const items = ["a cat", { prompt: "a dog", seed: [1, 2] }, "a cow"];
    const results = await all(
      pipe.batch(items, {
        ...options,
        batchSize,
        onError: (error, { index, item }) => failures.push([String(error), index, item]),
      }),
    );
    expect(results.map(({ index }) => index)).toEqual([0, 2]);
    expect(failures).toEqual([["RangeError: seed: expected 1 seeds, one per image, got 2", 1, items[1]]]);
    const { latents } = await pipe.generate({ ...options, prompt: "a cow" });
    expect(maxDifference(results[1]!.latents, latents)).toBeLessThan(1e-4);
  });

  it("throws what the source throws, after what came before", async () => {
    async function* failing() {
      yield "a cat";
      throw new Error("no more ideas");
    }
    const run = pipe.batch(failing(), options);
    expect((await run.next()).value).toMatchObject({ index: 0 });
    await expect(run.next()).rejects.toThrow("no more ideas");
  });

  it("ends what is under way when the loop is left, or the signal says so", async () => {
    let steps = 0;
    const counting = { ...options, numInferenceSteps: 50, onStep: () => void steps++ };
    for await (const _ of pipe.batch(prompts, { ...counting, numInferenceSteps: 2 })) break;
    const left = steps;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(steps).toBe(left);
    const controller = new AbortController();
    const reason = new Error("enough");
    const run = pipe.batch(prompts, { ...counting, signal: controller.signal, onStep: () => controller.abort(reason) });
    await expect(run.next()).rejects.toBe(reason);
    // a source that never answers does not keep it
    const waiting = new AbortController();
    const endless = pipe.batch(
      { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) },
      {
        ...options,
        signal: waiting.signal,
      },
    );
    const next = endless.next();
    waiting.abort(reason);
    await expect(next).rejects.toBe(reason);
  });

  it("works with little memory", async () => {
    await using low = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, {
      backend: cpu,
      memory: "low",
    });
    low.scheduler = pipe.scheduler;
    const expected = latentsOf((await all(pipe.batch(prompts, options))) as never);
    for (const lookAhead of [0, 2])
      expect(latentsOf((await all(low.batch(prompts, { ...options, lookAhead }))) as never)).toEqual(expected);
  });

  it("refuses what it cannot do", async () => {
    expect(() => pipe.batch(prompts, { ...options, batchSize: 0 })).toThrow(
      new RangeError("batchSize: expected a positive integer, got 0"),
    );
    expect(() => pipe.batch(prompts, { ...options, lookAhead: -1 })).toThrow(
      new RangeError("lookAhead: expected 0 or a positive integer, got -1"),
    );
    // @ts-expect-error: a text
    expect(() => pipe.batch(prompts, { onError: "skip" })).toThrow("onError: expected a function, got string");
    const message = 'prompts: expected an iterable such as ["a red apple"], got string';
    await expect(pipe.batch("a cat", options).next()).rejects.toThrow(new TypeError(message));
    // @ts-expect-error: no prompt
    await expect(pipe.batch([7], options).next()).rejects.toThrow(TypeError);
    const disposed = StableDiffusionPipeline.fromPipe(pipe);
    await disposed.dispose();
    expect(() => disposed.batch(prompts, options)).toThrow("the pipeline was disposed");
  });
});
