import { type RandomSource, torchRandom } from "@latentkit/core";
import { DDIMScheduler, EulerDiscreteScheduler } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { encodePrompt } from "./encode-prompt.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import type { Step } from "./step.js";

const open = () => StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { device: "cpu" });

let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  pipe = await open();
});
afterAll(() => pipe.dispose());

// not square, so that height and width cannot be taken for each other
const apple = { prompt: "a red apple", seed: 3, height: 40, width: 64, numInferenceSteps: 3 } as const;
const pear = { ...apple, prompt: "a green pear", seed: 4, outputType: "latent" } as const;

describe("a stream", () => {
  it("is the run that generate makes", async () => {
    const steps: Step[] = [];
    const run = pipe.stream(apple);
    let next = await run.next();
    for (; !next.done; next = await run.next()) steps.push(next.value);
    const told: Step[] = [];
    const generated = await pipe.generate({ ...apple, onStep: (step) => void told.push(step) });
    expect(next.value).toEqual(generated);
    expect(generated.images.map(({ width, height }) => [width, height])).toEqual([[64, 40]]);
    expect(steps.map(({ preview: _, ...step }) => step)).toEqual(told.map(({ preview: _, ...step }) => step));
    // PNDM calls the network once more than there are steps
    expect(steps.map(({ index, total }) => [index, total])).toEqual([0, 1, 2, 3].map((index) => [index, 4]));
    expect(steps.at(-1)?.latents).toEqual(generated.latents);
    expect(steps.map(({ timestep }) => timestep)).toEqual(
      [...steps.map(({ timestep }) => timestep)].sort((a, b) => b - a),
    );
  });

  it("shows the picture as it is at a step", async () => {
    const pictures: number[][] = [];
    const { images } = await pipe.generate({
      ...apple,
      onStep: async (step) => {
        const [image] = await step.preview();
        pictures.push([image?.width ?? 0, image?.height ?? 0]);
      },
    });
    expect(pictures).toEqual(Array(4).fill([64, 40]));
    // looking does not change the run
    expect(images).toEqual((await pipe.generate(apple)).images);
  });

  it("goes on from latents that onStep returns", async () => {
    const plain = await pipe.generate(pear);
    const other = torchRandom(8).normal(plain.latents.shape);
    const changed = await pipe.generate({ ...pear, onStep: ({ index }) => (index === 0 ? other : undefined) });
    expect(changed.latents).not.toEqual(plain.latents);
    const last = await pipe.generate({
      ...pear,
      onStep: ({ index, total }) => (index === total - 1 ? other : undefined),
    });
    expect(last.latents).toEqual(other);
    // what a callback happens to compute is no change
    const steps: number[] = [];
    // @ts-expect-error: a number
    expect((await pipe.generate({ ...pear, onStep: ({ index }) => steps.push(index) })).latents).toEqual(plain.latents);
    const wrong = pipe.generate({ ...pear, onStep: () => torchRandom(8).normal([1, 4, 5, 9]) });
    await expect(wrong).rejects.toThrow(new RangeError("latents: expected shape [1, 4, 5, 8], got [1, 4, 5, 9]"));
  });

  it("ends when its loop is left, and the next run is whole", async () => {
    const expected = await pipe.generate(pear);
    let steps = 0;
    for await (const _ of pipe.stream(apple)) {
      steps++;
      break;
    }
    expect(steps).toBe(1);
    expect((await pipe.generate(pear)).latents).toEqual(expected.latents);
  });

  it("computes nothing before its first step is asked for", async () => {
    let drawn = 0;
    const source: RandomSource = torchRandom(1);
    const normal: typeof source.normal = (shape) => {
      drawn++;
      return source.normal(shape);
    };
    const { seed: _, ...rest } = apple;
    const run = pipe.stream({ ...rest, random: { ...source, normal } });
    expect(drawn).toBe(0);
    await run.next();
    expect(drawn).toBe(1);
    await run.return({ images: [], latents: torchRandom(1).normal([1]), seeds: [], warnings: [] });
  });
});

describe("an abort", () => {
  it("before a run rejects with its reason, and runs nothing", async () => {
    const reason = new Error("changed my mind");
    let steps = 0;
    const run = pipe.generate({ ...apple, signal: AbortSignal.abort(reason), onStep: () => void steps++ });
    await expect(run).rejects.toBe(reason);
    expect(steps).toBe(0);
  });

  it("during a run ends it after the step, and the next run works", async () => {
    const expected = await pipe.generate(apple);
    const controller = new AbortController();
    const reason = { why: "any value" };
    const steps: number[] = [];
    const onStep = ({ index }: Step) => {
      steps.push(index);
      if (index === 1) controller.abort(reason);
    };
    await expect(pipe.generate({ ...apple, signal: controller.signal, onStep })).rejects.toBe(reason);
    expect(steps).toEqual([0, 1]);
    expect(await pipe.generate(apple)).toEqual(expected);
  });

  it("while the network runs ends the run too", async () => {
    const controller = new AbortController();
    const run = pipe.generate({ ...apple, signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(run).rejects.toMatchObject({ name: "AbortError" });
  });

  it("after the last step still keeps the picture back", async () => {
    const controller = new AbortController();
    const onStep = ({ index, total }: Step) => (index === total - 1 ? controller.abort() : undefined);
    await expect(pipe.generate({ ...apple, signal: controller.signal, onStep })).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("is what an error in onStep amounts to", async () => {
    const reason = new Error("no more space");
    await expect(
      pipe.generate({
        ...apple,
        onStep: () => {
          throw reason;
        },
      }),
    ).rejects.toBe(reason);
    expect((await pipe.generate(pear)).latents.shape).toEqual([1, 4, 5, 8]);
  });
});

describe("two runs at once", () => {
  it("give what two runs one after the other give", async () => {
    const [first, second] = [await pipe.generate(apple), await pipe.generate(pear)];
    const [a, b] = await Promise.all([pipe.generate(apple), pipe.generate(pear)]);
    expect(a).toEqual(first);
    expect(b).toEqual(second);
  });

  it("also when their steps alternate, with samplers that remember", async () => {
    const alone = await pipe.generate(pear);
    const run = pipe.stream(pear);
    await run.next();
    await pipe.generate({ ...apple, numInferenceSteps: 2, outputType: "latent" });
    let next = await run.next();
    while (!next.done) next = await run.next();
    expect(next.value.latents).toEqual(alone.latents);
  });

  it("are not stopped by one that fails", async () => {
    const expected = await pipe.generate(pear);
    const controller = new AbortController();
    const failing = pipe.generate({ ...apple, signal: controller.signal, onStep: () => controller.abort() });
    const [failed, whole] = await Promise.allSettled([failing, pipe.generate(pear)]);
    expect(failed.status).toBe("rejected");
    expect(whole).toMatchObject({ status: "fulfilled", value: { latents: expected.latents } });
  });
});

describe("a batch", () => {
  it("gives each image what its prompt and seed give alone", async () => {
    const prompts = [apple.prompt, pear.prompt];
    const both = await pipe.generate({ ...apple, prompt: prompts, seed: [3, 4] });
    expect(both.seeds).toEqual([3, 4]);
    const alone = [await pipe.generate(apple), await pipe.generate({ ...apple, prompt: pear.prompt, seed: 4 })];
    expect(both.images).toHaveLength(2);
    for (const [i, single] of alone.entries()) {
      const pairs = both.images[i]?.data.map((value, at) =>
        Math.abs(value - (single.images[0]?.data[at] ?? Number.NaN)),
      );
      // sums in another order
      expect(Math.max(...(pairs ?? [Number.NaN]))).toBeLessThanOrEqual(1);
    }
  });

  it("of several images per prompt keeps those of a prompt together", async () => {
    const { images } = await pipe.generate({
      ...apple,
      prompt: [apple.prompt, pear.prompt],
      numImagesPerPrompt: 2,
      seed: [3, 9, 4, 8],
    });
    const second = await pipe.generate({ ...apple, seed: 9 });
    expect(images).toHaveLength(4);
    const differences = images[1]?.data.map((value, at) =>
      Math.abs(value - (second.images[0]?.data[at] ?? Number.NaN)),
    );
    expect(Math.max(...(differences ?? [Number.NaN]))).toBeLessThanOrEqual(1);
  });

  it("without a seed tells the one that makes it again", async () => {
    const { seed: _, ...unseeded } = pear;
    const { latents, seeds } = await pipe.generate(unseeded);
    expect(seeds).toHaveLength(1);
    expect((await pipe.generate({ ...pear, seed: seeds[0]! })).latents).toEqual(latents);
    expect((await pipe.generate(unseeded)).seeds).not.toEqual(seeds);
  });
});

describe("parts", () => {
  it("are swapped: the sampler", async () => {
    await using other = new StableDiffusionPipeline(pipe.components);
    const before = await other.generate(pear);
    other.scheduler = EulerDiscreteScheduler.fromConfig(other.scheduler.config);
    const euler = await other.generate(pear);
    expect(euler.latents).not.toEqual(before.latents);
    other.scheduler = DDIMScheduler.fromConfig(other.scheduler.config);
    expect((await other.generate(pear)).latents).not.toEqual(euler.latents);
    // a run keeps the sampler it began with
    other.scheduler = pipe.scheduler;
    const run = other.stream(pear);
    other.scheduler = EulerDiscreteScheduler.fromConfig(pipe.scheduler.config);
    let next = await run.next();
    while (!next.done) next = await run.next();
    expect(next.value.latents).toEqual(before.latents);
    expect((await pipe.generate(pear)).latents).toEqual(before.latents);
  });

  it("are shared: a pipeline of another's components frees none of them", async () => {
    const other = new StableDiffusionPipeline(pipe.components);
    const expected = await other.generate(pear);
    await other.dispose();
    await expect(other.generate(pear)).rejects.toMatchObject({ code: "disposed" });
    expect((await pipe.generate(pear)).latents).toEqual(expected.latents);
  });

  it("are used alone: prompts encoded before", async () => {
    const expected = await pipe.generate({ ...pear, negativePrompt: "blurry" });
    const promptEmbeds = await encodePrompt(pipe.components, [pear.prompt]);
    const negativePromptEmbeds = await encodePrompt(pipe.components, ["blurry"]);
    const { prompt: _, ...rest } = pear;
    const embedded = await pipe.generate({ ...rest, promptEmbeds, negativePromptEmbeds });
    const differences = embedded.latents.data.map((value, i) => Math.abs(value - expected.latents.data[i]!));
    expect(Math.max(...differences)).toBeLessThan(1e-5);
    const partly = await pipe.generate({ ...rest, promptEmbeds, negativePrompt: "blurry" });
    expect(partly.latents).toEqual(embedded.latents);
  });
});

describe("a disposed pipeline", () => {
  it("says so", async () => {
    const gone = await open();
    await gone.dispose();
    await gone.dispose();
    const error = { name: "LatentKitError", code: "disposed", message: expect.stringContaining("fromPretrained") };
    await expect(gone.generate(apple)).rejects.toMatchObject(error);
    expect(() => gone.stream(apple)).toThrow("the pipeline was disposed");
    await expect(gone.components.unet.dispose()).resolves.toBeUndefined();
  });

  it("ends a run that is under way, between two steps", async () => {
    const gone = await open();
    const steps: number[] = [];
    let freed: Promise<void> | undefined;
    const run = gone.generate({
      ...apple,
      onStep: ({ index }) => {
        steps.push(index);
        if (index === 1) freed = gone.dispose();
      },
    });
    await expect(run).rejects.toMatchObject({ name: "LatentKitError", code: "disposed" });
    await freed;
    expect(steps).toEqual([0, 1]);
  });

  it("may be disposed while a network runs", async () => {
    const gone = await open();
    let onStep = () => {};
    const stepped = new Promise<void>((resolve) => {
      onStep = resolve;
    });
    const run = gone.generate({ ...apple, numInferenceSteps: 50, onStep }).then(
      () => "finished",
      (error: { code?: unknown }) => error.code,
    );
    await stepped;
    await new Promise((resolve) => setTimeout(resolve, 5));
    await gone.dispose();
    expect(await run).toBe("disposed");
  });
});
