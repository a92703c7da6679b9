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

it("starts a worker of its own, and ends a run in it", async () => {
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
  await there.dispose();
});

it("tells of a script that cannot be loaded", async () => {
  const worker = new Worker(new URL("data:text/javascript,throw new Error('no such module')"), { type: "module" });
  await expect(connect(worker).fromPretrained()).rejects.toMatchObject({
    code: "run-failed",
    message: expect.stringContaining("no such module"),
  });
});
