import { rmSync } from "node:fs";
import type { Tensor } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { CLIPTokenizer } from "@latentkit/tokenizer";
import { afterAll, describe, expect, it } from "vitest";
import {
  diffusersScript,
  type Exporter,
  exportedFolder,
  exportedXlFolder,
  olive,
  optimum,
  webDemo,
} from "../../../tests/exported-folders.js";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { DiffusionPipeline } from "./diffusion-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const original = `${fixtures}pipelines/tiny-sd`;
// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  await pipe.dispose();
});

async function lay(exporter: Exporter): Promise<string> {
  const folder = await exportedFolder(exporter);
  folders.push(folder);
  return folder;
}

const request = { prompt: "a red apple", negativePrompt: "blurry", numInferenceSteps: 4, seed: 7 };

async function draw(pipe: StableDiffusionPipeline, options = {}): Promise<{ latents: Tensor; tensor: Tensor }> {
  const { latents, tensor } = await pipe.generate({
    ...request,
    height: 64,
    width: 128,
    outputType: "tensor",
    ...options,
  });
  if (!tensor) throw new Error("no picture");
  return { latents, tensor };
}

const pipe = await StableDiffusionPipeline.fromPretrained(original, { backend });
const wanted = await draw(pipe);

/** Of the size of the latents, which grow to 12 here, and within a grey level. */
function expectHalfPrecision({ latents, tensor }: { latents: Tensor; tensor: Tensor }): void {
  const size = Math.max(...wanted.latents.data.map(Math.abs));
  expect(maxDifference(latents, wanted.latents) / size).toBeLessThan(2e-3);
  expect(maxDifference(tensor, wanted.tensor)).toBeLessThan(2 / 255);
}

describe("an export gives the checkpoint's picture", () => {
  it("of Optimum, with weights in model.onnx_data", async () => {
    await using exported = await StableDiffusionPipeline.fromPretrained(await lay(optimum), { backend });
    const { latents, tensor } = await draw(exported);
    expect(maxDifference(latents, wanted.latents)).toBeLessThan(1e-4);
    expect(maxDifference(tensor, wanted.tensor)).toBeLessThan(1e-4);
  });

  it("of Diffusers' script, with integer timesteps and weights.pb", async () => {
    await using exported = await StableDiffusionPipeline.fromPretrained(await lay(diffusersScript), { backend });
    const { latents, tensor } = await draw(exported);
    expect(maxDifference(latents, wanted.latents)).toBeLessThan(1e-4);
    expect(maxDifference(tensor, wanted.tensor)).toBeLessThan(1e-4);
  });

  it("of Olive, in float16", async () => {
    await using exported = await StableDiffusionPipeline.fromPretrained(await lay(olive), { backend });
    expectHalfPrecision(await draw(exported));
  });

  it("of a web demo, in float16, without a model_index.json, one item at a time", async () => {
    await using exported = await StableDiffusionPipeline.fromPretrained(await lay(webDemo), {
      backend,
      tokenizer: await CLIPTokenizer.fromPretrained(`${original}/tokenizer`),
      scheduler: pipe.scheduler,
    });
    expectHalfPrecision(await draw(exported));
  });
});

describe("an export of SDXL gives the checkpoint's picture", () => {
  it.each([
    ["with configurations", "float32", true, 1e-4],
    ["without configurations", "float32", false, 1e-4],
    ["in float16, without configurations", "float16", false, 2e-3],
  ] as const)("%s", async (_, type, withConfigs, tolerance) => {
    const folder = await exportedXlFolder(type, withConfigs);
    folders.push(folder);
    const xl = { ...request, height: 64, width: 128, outputType: "tensor" } as const;
    await using checkpoint = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, {
      backend,
    });
    await using exported = await StableDiffusionXLPipeline.fromPretrained(folder, { backend });
    const [wanted, found] = [await checkpoint.generate(xl), await exported.generate(xl)];
    const size = Math.max(1, ...wanted.latents.data.map(Math.abs));
    expect(maxDifference(found.latents, wanted.latents) / size).toBeLessThan(tolerance);
    expect(maxDifference(found.tensor!, wanted.tensor!)).toBeLessThan(2 / 255);
  });
});

describe("a pipeline of an export", () => {
  it("names the size that a graph is fixed to", async () => {
    const tokenizer = await CLIPTokenizer.fromPretrained(`${original}/tokenizer`);
    const options = { backend, tokenizer, scheduler: pipe.scheduler };
    await using exported = await StableDiffusionPipeline.fromPretrained(await lay(webDemo), options);
    await expect(draw(exported, { height: 96 })).rejects.toThrow(
      'unet/model.onnx: its input "sample" is fixed to [1, 4, 8, 16], got [1, 4, 12, 16]; take that size, or export the network with dynamic axes',
    );
  });

  it("says which part a folder without index and configurations lacks", async () => {
    const folder = await lay(webDemo);
    await expect(StableDiffusionPipeline.fromPretrained(folder, { backend })).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringMatching(/tokenizer|vocab\.json/),
    });
  });

  it.each(["StableDiffusionOnnxPipeline", "OnnxStableDiffusionPipeline", "ORTStableDiffusionPipeline"])(
    "is the one that %s means",
    async (_class_name) => {
      const parts = ["text_encoder", "unet", "vae_decoder"].map((part) => [part, ["diffusers", "OnnxRuntimeModel"]]);
      const folder = await lay({ ...optimum, index: { _class_name, ...Object.fromEntries(parts) } });
      await using exported = await DiffusionPipeline.fromPretrained(folder, { backend });
      expect(exported).toBeInstanceOf(StableDiffusionPipeline);
    },
  );

  it("refuses to leave out layers that the export does not give", async () => {
    await using exported = await StableDiffusionPipeline.fromPretrained(await lay(optimum), { backend });
    await expect(draw(exported, { clipSkip: 1 })).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining("does not give normed_states.2, only last_hidden_state, pooler_output"),
    });
  });
});
