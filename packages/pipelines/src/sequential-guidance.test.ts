import { type Tensor, tensor, torchRandom } from "@latentkit/core";
import { UNet2DConditionModel, type UNetConditions } from "@latentkit/models";
import type { Backend, Session } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler } from "@latentkit/schedulers";
import { expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { guided, type Predictor } from "./guided.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const cpu = await onnxruntimeNode({ device: "cpu", worker: false });

/** A network that remembers how many items it was run on. */
function watched(unet: Predictor): Predictor & { readonly batches: number[] } {
  const batches: number[] = [];
  return {
    batches,
    predict(sample, ...rest) {
      batches.push(sample.shape[0] ?? 0);
      return unet.predict(sample, ...rest);
    },
  };
}

it("gives what one run on everything gives, from a run for each part of the context", async () => {
  await using unet = await UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-sdxl/unet`, { backend: cpu });
  const random = torchRandom(4);
  const network = watched(unet);
  const sample = random.normal([2, 4, 10, 6]);
  const context = random.normal([4, 7, unet.config.crossAttentionDim]);
  const { inputDim = 0, timeEmbedDim = 0 } = unet.config.textTime ?? {};
  // sizes are the same for both halves, pooled texts are not
  const conditions = {
    textEmbeds: random.normal([4, inputDim - 6 * timeEmbedDim]),
    timeIds: tensor(Float32Array.of(80, 48, 0, 0, 80, 48, 80, 48, 8, 0, 80, 48), [2, 6]),
  };
  const run = (sequential: boolean) =>
    guided(network, sample, 500, context, 5, { conditions, guidanceRescale: 0.3, sequential });
  const [whole, parts] = [await run(false), await run(true)];
  expect(network.batches).toEqual([4, 2, 2]);
  expect(maxDifference(parts, whole)).toBeLessThan(2e-5);
});

it("hands each part its own conditions", async () => {
  const seen: UNetConditions[] = [];
  const unet: Predictor = {
    async predict(sample: Tensor, _timestep, _context, conditions = {}) {
      seen.push(conditions);
      return sample;
    },
  };
  const sample = torchRandom(1).normal([1, 1, 2, 3]);
  const context = torchRandom(2).normal([2, 1, 1]);
  const timestepCond = tensor(Float32Array.of(1, 2), [2, 1]);
  const run = (conditions: UNetConditions) => guided(unet, sample, 1, context, 5, { conditions, sequential: true });
  await run({ timestepCond, classLabels: [3, 4] });
  expect(seen.map(({ timestepCond, classLabels }) => [timestepCond?.data[0], classLabels])).toEqual([
    [1, [3]],
    [2, [4]],
  ]);
  await run({ classLabels: [20] });
  expect(seen.slice(2)).toEqual([{ classLabels: [20] }, { classLabels: [20] }]);
});

it("is an option of runs, which make the same picture", async () => {
  const batches: (number | undefined)[] = [];
  const createSession: Backend["createSession"] = async (model) => {
    const session = await cpu.createSession(model);
    const run: Session["run"] = (feeds, outputs) => {
      if (feeds.timestep) batches.push(feeds.sample?.shape[0]);
      return session.run(feeds, outputs);
    };
    return { ...session, run };
  };
  const backend = { ...cpu, createSession };
  await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
  const options = {
    prompt: "a cat",
    seed: 1,
    height: 64,
    width: 48,
    numInferenceSteps: 2,
    outputType: "latent",
  } as const;
  await using ddim = StableDiffusionPipeline.fromPipe(pipe, { scheduler: DDIMScheduler.fromConfig({}) });
  const { latents } = await ddim.generate({ ...options, sequentialGuidance: true });
  const whole = await ddim.generate(options);
  expect(batches).toEqual([1, 1, 1, 1, 2, 2]);
  expect(maxDifference(latents, whole.latents)).toBeLessThan(1e-4);
  // @ts-expect-error a caller without types
  const wrong = () => ddim.generate({ ...options, sequentialGuidance: 1 });
  await expect(wrong()).rejects.toThrow(new TypeError("sequentialGuidance: expected true or false, got 1"));
});
