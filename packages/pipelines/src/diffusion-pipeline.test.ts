import { readFile } from "node:fs/promises";
import type { ModelFiles } from "@latentkit/core";
import { LatentKitError, torchRandom } from "@latentkit/core";
import { UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler } from "@latentkit/schedulers";
import { describe, expect, it } from "vitest";
import { changedNetwork } from "../../../tests/changed-network.js";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures } from "../../../tests/golden.js";
import { memoryFile } from "../../../tests/memory-files.js";
import { DDPMPipeline } from "./ddpm-pipeline.js";
import { DiffusionPipeline } from "./diffusion-pipeline.js";
import { LatentConsistencyModelPipeline } from "./latent-consistency-model-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionUpscalePipeline } from "./stable-diffusion-upscale-pipeline.js";
import { StableDiffusionXLImg2ImgPipeline } from "./stable-diffusion-xl-img2img-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const folder = (name: string) => `${fixtures}pipelines/${name}`;

/** A checkpoint whose index says something else, with other folders in place of its own. */
async function changed(
  name: string,
  index: Record<string, unknown>,
  folders: Record<string, string> = {},
): Promise<ModelFiles> {
  const files = fixtureFiles(`pipelines/${name}`);
  const json = JSON.parse(await readFile(`${folder(name)}/model_index.json`, "utf8"));
  const changedIndex = memoryFile("model_index.json", JSON.stringify({ ...json, ...index }));
  return {
    location: files.location,
    find: async (path) => (path === "model_index.json" ? changedIndex : files.find(path)),
    at: (part) => (folders[part] === undefined ? files.at(part) : fixtureFiles(folders[part])),
  };
}

const failure = (run: Promise<unknown>) =>
  run.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );

describe("DiffusionPipeline", () => {
  it("opens a checkpoint with the pipeline that its index names", async () => {
    await using sd = await DiffusionPipeline.fromPretrained(folder("tiny-sd"), { backend });
    expect(sd).toBeInstanceOf(StableDiffusionPipeline);
    const { images } = await sd.generate({ prompt: "a red apple", seed: 1, numInferenceSteps: 1 });
    expect(images).toHaveLength(1);
    await using xl = await DiffusionPipeline.fromPretrained(folder("tiny-sdxl"), { backend });
    expect(xl).toBeInstanceOf(StableDiffusionXLPipeline);
    const lcm = { unet: "pipelines/tiny-lcm-unet", scheduler: "pipelines/tiny-lcm-scheduler" };
    const index = { _class_name: "LatentConsistencyModelPipeline" };
    await using fast = await DiffusionPipeline.fromPretrained(await changed("tiny-sd", index, lcm), { backend });
    expect(fast).toBeInstanceOf(LatentConsistencyModelPipeline);
    expect(fast.constructor.name).toBe("LatentConsistencyModelPipeline");
  });

  it.each([
    ["StableDiffusionImg2ImgPipeline", "tiny-sd", {}],
    ["StableDiffusionInpaintPipeline", "tiny-sd", { unet: "pipelines/tiny-inpaint-unet" }],
    ["LatentConsistencyModelImg2ImgPipeline", "tiny-sd", { unet: "pipelines/tiny-lcm-unet" }],
    ["StableDiffusionXLInpaintPipeline", "tiny-sdxl", {}],
  ] as const)("opens %s", async (name, model, folders) => {
    const files = await changed(model, { _class_name: name }, folders);
    await using pipe = await DiffusionPipeline.fromPretrained(files, { backend });
    expect(pipe.constructor.name).toBe(name);
  });

  it("opens the ×4 upscaler with both of its schedulers", async () => {
    const index = { _class_name: "StableDiffusionUpscalePipeline", max_noise_level: 39 };
    const files = await changed("tiny-sd", index);
    const scheduler = memoryFile("scheduler_config.json", JSON.stringify({ _class_name: "DDPMScheduler" }));
    const unet = changedNetwork("pipelines/tiny-inpaint-unet", {
      config: { in_channels: 7 },
      tensors: () => ({ "conv_in.weight": torchRandom(1).normal([8, 7, 3, 3]) }),
    });
    const upscaler: ModelFiles = {
      ...files,
      find: async (path) => (path === "low_res_scheduler/scheduler_config.json" ? scheduler : files.find(path)),
      at: (part) => (part === "unet" ? unet : files.at(part)),
    };
    await using pipe = await DiffusionPipeline.fromPretrained(upscaler, { backend });
    expect(pipe).toBeInstanceOf(StableDiffusionUpscalePipeline);
    expect(pipe.components).toMatchObject({ maxNoiseLevel: 39, lowResScheduler: { name: "DDPMScheduler" } });
    const wrong = await changed("tiny-sd", { ...index, max_noise_level: "high" });
    expect(await failure(DiffusionPipeline.fromPretrained(wrong, { backend }))).toMatchObject({
      code: "invalid-checkpoint",
      message: 'model_index.json: max_noise_level is "high"; expected a number',
    });
  });

  it("knows the names that exporters give", async () => {
    const files = await changed("tiny-sd", { _class_name: "OnnxStableDiffusionPipeline" });
    await using pipe = await DiffusionPipeline.fromPretrained(files, { backend });
    expect(pipe).toBeInstanceOf(StableDiffusionPipeline);
    const optimum = await changed("tiny-sdxl", { _class_name: "ORTStableDiffusionXLPipeline" });
    await using xl = await DiffusionPipeline.fromPretrained(optimum, { backend });
    expect(xl).toBeInstanceOf(StableDiffusionXLPipeline);
  });

  it("lists the pipelines that there are", async () => {
    const error = await failure(
      DiffusionPipeline.fromPretrained(await changed("tiny-sd", { _class_name: "FluxPipeline" }), { backend }),
    );
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({ code: "unsupported-model" });
    expect(String(error)).toMatch(
      /model_index.json: _class_name is "FluxPipeline"; supported: DDPMPipeline, .*StableDiffusionInpaintPipeline, .*StableDiffusionXLPipeline/,
    );
  });
});

describe("a checkpoint of another pipeline", () => {
  const refiner = { unet: "pipelines/tiny-refiner-unet" };
  const noFirst = { tokenizer: [null, null], text_encoder: [null, null] };
  const cases: [string, () => Promise<unknown>, string][] = [
    [
      "SDXL",
      () => StableDiffusionPipeline.fromPretrained(folder("tiny-sdxl"), { backend }),
      '_class_name is "StableDiffusionXLPipeline"; open it with StableDiffusionXLPipeline',
    ],
    [
      "Stable Diffusion",
      () => StableDiffusionXLPipeline.fromPretrained(folder("tiny-sd"), { backend }),
      '_class_name is "StableDiffusionPipeline"; open it with StableDiffusionPipeline',
    ],
    [
      "inpainting",
      async () =>
        StableDiffusionPipeline.fromPretrained(
          await changed("tiny-sd", { _class_name: "StableDiffusionInpaintPipeline" }),
        ),
      "open it with StableDiffusionInpaintPipeline",
    ],
    [
      "inpainting, under another name",
      async () =>
        StableDiffusionPipeline.fromPretrained(await changed("tiny-sd", {}, { unet: "pipelines/tiny-inpaint-unet" }), {
          backend,
        }),
      "channels of latents: the unet takes 9, the vae gives 4; such a UNet is for StableDiffusionInpaintPipeline",
    ],
    [
      "upscaling, under another name",
      async () =>
        StableDiffusionPipeline.fromPretrained(await changed("tiny-sd", {}, { unet: "models/unet_upscaler" }), {
          backend,
        }),
      "channels of latents: the unet takes 7, the vae gives 4; such a UNet is for StableDiffusionUpscalePipeline",
    ],
    [
      "the refiner",
      async () => StableDiffusionXLPipeline.fromPretrained(await changed("tiny-sdxl", noFirst, refiner), { backend }),
      "features of sizes and pooled text: the unet takes 60, the pipeline gives 68; a refiner's UNet is for StableDiffusionXLImg2ImgPipeline",
    ],
    [
      "the refiner, with the base's setting",
      async () =>
        StableDiffusionXLImg2ImgPipeline.fromPretrained(await changed("tiny-sdxl", noFirst, refiner), { backend }),
      "the unet takes 60, the pipeline gives 68; set requiresAestheticsScore to true",
    ],
    [
      "no distilled one",
      () => LatentConsistencyModelPipeline.fromPretrained(folder("tiny-sd"), { backend }),
      "the unet does not take a guidance embedding (time_cond_proj_dim); use StableDiffusionPipeline with an LCMScheduler",
    ],
    [
      "a setting of another kind",
      async () =>
        StableDiffusionXLPipeline.fromPretrained(await changed("tiny-sdxl", { force_zeros_for_empty_prompt: 1 })),
      "model_index.json: force_zeros_for_empty_prompt is 1; expected true or false",
    ],
  ];
  it.each(cases)("is refused: %s", async (_, open, message) => {
    const error = await failure(open());
    expect(error).toBeInstanceOf(LatentKitError);
    expect(String(error)).toContain(message);
  });

  it("opens as the refiner with one encoder and its own setting", async () => {
    const index = { _class_name: "StableDiffusionXLImg2ImgPipeline", requires_aesthetics_score: true, ...noFirst };
    await using pipe = await DiffusionPipeline.fromPretrained(await changed("tiny-sdxl", index, refiner), { backend });
    expect(pipe).toBeInstanceOf(StableDiffusionXLImg2ImgPipeline);
    expect(pipe.components).toMatchObject({ requiresAestheticsScore: true, forceZerosForEmptyPrompt: true });
    expect(pipe.components).not.toHaveProperty("textEncoder.config");
  });
});

describe("fromPipe", () => {
  it("shares the parts, which stay the first pipeline's to free", async () => {
    await using sd = await StableDiffusionPipeline.fromPretrained(folder("tiny-sd"), { backend });
    await using unet = await UNet2DConditionModel.fromPretrained(folder("tiny-lcm-unet"), { backend });
    const lcm = LatentConsistencyModelPipeline.fromPipe(sd, { unet });
    expect(lcm.components.vae).toBe(sd.components.vae);
    expect(lcm.components.unet).toBe(unet);
    await lcm.dispose();
    const { images } = await sd.generate({ prompt: "a", numInferenceSteps: 1, seed: 1 });
    expect(images).toHaveLength(1);
    sd.scheduler = DDIMScheduler.fromConfig(sd.scheduler.config);
    expect(StableDiffusionPipeline.fromPipe(sd).scheduler).toBe(sd.scheduler);
  });

  it("carries the settings of a checkpoint over", async () => {
    await using xl = await StableDiffusionXLPipeline.fromPretrained(folder("tiny-sdxl"), {
      backend,
      forceZerosForEmptyPrompt: false,
    });
    expect(StableDiffusionXLImg2ImgPipeline.fromPipe(xl).components).toMatchObject({ forceZerosForEmptyPrompt: false });
  });

  it("names the part that is missing", async () => {
    await using sd = await StableDiffusionPipeline.fromPretrained(folder("tiny-sd"), { backend });
    expect(() => StableDiffusionXLPipeline.fromPipe(sd)).toThrow(
      new TypeError(
        "pipe: StableDiffusionXLPipeline needs tokenizer2, which the pipeline does not have; give it in the second argument",
      ),
    );
    // @ts-expect-error: not a pipeline
    expect(() => DDPMPipeline.fromPipe({})).toThrow("pipe: DDPMPipeline needs scheduler");
  });
});
