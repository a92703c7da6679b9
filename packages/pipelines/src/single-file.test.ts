import type { ModelFiles } from "@latentkit/core";
import { AutoencoderKL, CLIPTextEncoder, UNet2DConditionModel, type Warning } from "@latentkit/models";
import type { PartConfigs } from "@latentkit/onnx";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { CLIPTokenizer } from "@latentkit/tokenizer";
import { describe, expect, it } from "vitest";
import { fixtures, goldenJson, maxDifference } from "../../../tests/golden.js";
import { headerOnlyFile } from "../../../tests/header-only-file.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { publishedFiles, publishedUNets, unetShapes, vaeShapes } from "../../../tests/original-layout.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const single = (name: string) => `${fixtures}single_file/${name}.safetensors`;
const configs = (name: string): PartConfigs => goldenJson(`single_file/${name}.configs.json`);
const tokenizer = await CLIPTokenizer.fromPretrained(`${fixtures}pipelines/tiny-sd/tokenizer`);
const run = { prompt: "a red apple", seed: 3, numInferenceSteps: 4, height: 32, width: 48 };

describe("StableDiffusionPipeline of a single file", () => {
  it("draws what its parts, opened one by one, draw", async () => {
    const options = { backend, config: configs("sd1") };
    await using pipe = await StableDiffusionPipeline.fromPretrained(single("sd1"), { ...options, tokenizer });
    const parts = {
      unet: await UNet2DConditionModel.fromPretrained(single("sd1"), options),
      vae: await AutoencoderKL.fromPretrained(single("sd1"), options),
      textEncoder: await CLIPTextEncoder.fromPretrained(single("sd1"), options),
    };
    const { scheduler } = pipe.components;
    const assembled = new StableDiffusionPipeline({ ...parts, scheduler, tokenizer });
    const [one, other] = [await pipe.generate(run), await assembled.generate(run)];
    expect(one.images[0]).toMatchObject({ width: 48, height: 32 });
    expect(one.images).toEqual(other.images);
    await Promise.all(Object.values(parts).map((part) => part.dispose()));
  });

  it("draws nearly what the folder draws that the file was rounded from", async () => {
    const options = { backend, config: configs("sd1"), tokenizer };
    await using file = await StableDiffusionPipeline.fromPretrained(single("sd1"), options);
    await using folder = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
    file.scheduler = folder.scheduler;
    const latents = await Promise.all([file, folder].map((pipe) => pipe.generate({ ...run, outputType: "latent" })));
    expect(maxDifference(latents[0]!.latents, latents[1]!.latents)).toBeLessThan(0.02);
  });

  it("takes what Stable Diffusion 2 predicts for velocity, unless told otherwise", async () => {
    const warnings: Warning[] = [];
    const options = { backend, tokenizer, onWarning: (warning: Warning) => warnings.push(warning) };
    const config = configs("sd2");
    await using assumed = await StableDiffusionPipeline.fromPretrained(single("sd2"), { ...options, config });
    expect(assumed.scheduler.config).toMatchObject({ _class_name: "DDIMScheduler", prediction_type: "v_prediction" });
    expect(warnings.map(({ code }) => code)).toEqual(["assumed-setting"]);
    const told = { ...options, config: { ...config, scheduler: { prediction_type: "epsilon" } } };
    await using base = await StableDiffusionPipeline.fromPretrained(single("sd2"), told);
    expect(base.scheduler.config).toMatchObject({ prediction_type: "epsilon" });
    expect(warnings).toHaveLength(1);
  });
});

it("StableDiffusionXLPipeline of a single file draws, with both of its text encoders", async () => {
  const options = { backend, config: configs("sdxl"), tokenizer, tokenizer2: tokenizer };
  await using pipe = await StableDiffusionXLPipeline.fromPretrained(single("sdxl"), options);
  const { images } = await pipe.generate({ ...run, negativePrompt: "a pear" });
  expect(images[0]).toMatchObject({ width: 48, height: 32 });
  expect(pipe.components.forceZerosForEmptyPrompt).toBe(true);
  expect(pipe.scheduler.config).toMatchObject({ _class_name: "EulerDiscreteScheduler", timestep_spacing: "leading" });
});

describe("a single file that is another pipeline's", () => {
  const inpainting = { ...publishedFiles.sd1, ...unetShapes({ ...publishedUNets.sd1, inChannels: 9 }) };

  it.each([
    ["SDXL", StableDiffusionPipeline, source(publishedFiles.sdxl), "StableDiffusionXLPipeline"],
    ["SD 1", StableDiffusionXLPipeline, source(publishedFiles.sd1), "StableDiffusionPipeline"],
    ["an inpainting model", StableDiffusionPipeline, source(inpainting), "StableDiffusionInpaintPipeline"],
    ["a VAE", StableDiffusionPipeline, source(vaeShapes("")), "open it with AutoencoderKL.fromPretrained"],
    [
      "a UNet without the rest",
      StableDiffusionPipeline,
      source(unetShapes(publishedUNets.sd1)),
      "holds no text_encoder, only unet",
    ],
    ["a LoRA", StableDiffusionPipeline, source({ "lora_unet_x.lora_down.weight": [4, 4] }), "is a LoRA"],
    ["numbers", StableDiffusionPipeline, source({ weight: [4, 4] }), "holds no model that is known"],
  ])("is refused: %s", async (_, pipeline, files, message) => {
    const opening = pipeline.fromPretrained(files, { backend });
    await expect(opening).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining(message),
    });
  });
});

it("brings CLIP's own vocabulary where the file's text encoder has its size", async () => {
  const { components } = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
  const { unet, vae, textEncoder, scheduler } = components;
  const given = { backend, unet, vae, textEncoder, scheduler };
  const pipe = await StableDiffusionPipeline.fromPretrained(source(publishedFiles.sd1), given);
  const ids = pipe.components.tokenizer.encode("a red apple").data;
  expect([...ids.slice(0, 6)]).toEqual([49406, 320, 736, 3055, 49407, 49407]);
  await Promise.all([unet, vae, textEncoder].map((part) => part.dispose()));
});

function source(shapes: Parameters<typeof headerOnlyFile>[0]): ModelFiles {
  return { ...memoryFiles({}), singleFile: headerOnlyFile(shapes) };
}
