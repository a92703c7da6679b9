import { StableDiffusionPipeline, type Step } from "latentkit";
import { expect, it } from "vitest";
import { connect, createPipelineWorker } from "./worker.js";

const panda = { prompt: "panda", seed: 1, height: 48, width: 64, numInferenceSteps: 2 } as const;

it("draws in a Web Worker what the page draws", async () => {
  await using here = await StableDiffusionPipeline.fromPretrained(undefined, { device: "wasm" });
  const expected = await here.generate(panda);
  const worker = new Worker(new URL("./pipeline-worker.ts", import.meta.url), { type: "module" });
  const there = await connect(worker).fromPretrained(undefined, { device: "wasm" });
  const previews: number[] = [];
  const onStep = async (step: Step) => void previews.push((await step.preview())[0]?.width ?? 0);
  const { images, latents } = await there.generate({ ...panda, onStep });
  expect(latents).toEqual(expected.latents);
  expect(images).toEqual(expected.images);
  expect(previews).toEqual([64, 64]);
  await there.dispose();
});

it("starts a worker of its own, ends a run in it, and makes a batch", async () => {
  const there = await createPipelineWorker().fromPretrained(undefined, { device: "wasm" });
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const steps: number[] = [];
  const onStep = ({ index }: Step) => {
    steps.push(index);
    controller.abort(reason);
  };
  const run = there.generate({ ...panda, numInferenceSteps: 20, signal: controller.signal, onStep });
  await expect(run).rejects.toBe(reason);
  expect(steps).toEqual([0]);
  const { prompt: _, ...common } = panda;
  const failed: unknown[] = [];
  const onError = (error: unknown, { index }: { readonly index: number }) => failed.push([String(error), index]);
  async function* prompts() {
    yield "panda";
    yield { prompt: "panda", height: 50 };
    yield { prompt: "lemon", onStep: ({ index }: Step) => void steps.push(index) };
  }
  const items: unknown[] = [];
  for await (const { item, images } of there.batch(prompts(), { ...common, onError })) items.push(item, images.length);
  expect(items).toEqual(["panda", 1, expect.objectContaining({ prompt: "lemon" }), 1]);
  expect(failed).toEqual([["RangeError: height: expected a positive multiple of 8 pixels, got 50", 1]]);
  expect(steps).toEqual([0, 0, 1]);
  for await (const { images } of there.batch(["panda"], common))
    expect(images).toEqual((await there.generate(panda)).images);
  await there.dispose();
});

it("tells of a script that cannot be loaded", async () => {
  const worker = new Worker(new URL("data:text/javascript,throw new Error('no such module')"), { type: "module" });
  await expect(connect(worker).fromPretrained()).rejects.toMatchObject({
    code: "run-failed",
    message: expect.stringContaining("no such module"),
  });
});
