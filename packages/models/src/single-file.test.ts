import { LatentKitError, type ModelFiles, type Tensor, type TokenIds, tokenIds } from "@latentkit/core";
import { openModel } from "@latentkit/hub/node";
import type { PartConfigs } from "@latentkit/onnx";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterEach, describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { headerOnlyFile } from "../../../tests/header-only-file.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { publishedFiles, vaeShapes } from "../../../tests/original-layout.js";
import { AutoencoderKL } from "./autoencoder-kl.js";
import { AutoencoderTiny } from "./autoencoder-tiny.js";
import { CLIPTextEncoder } from "./clip-text-encoder.js";
import { affine } from "./latent-codec.js";
import type { LoadOptions, Warning } from "./load-options.js";
import { UNet2DConditionModel, type UNetConditions } from "./unet-2d-condition-model.js";

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32), text encoders by a re-implementation; see fixtures/README.md.
const folder = `${fixtures}single_file`;
const tolerance = 1e-4;
// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

type Reference = ReturnType<typeof goldenTensors>;

const models = ["sd1", "sd2", "sdxl"].map((name) => ({
  name,
  path: `${folder}/${name}.safetensors`,
  config: goldenJson<Required<PartConfigs>>(`single_file/${name}.configs.json`),
  tensors: goldenTensors(`single_file/${name}.golden.safetensors`),
}));

const warnings: Warning[] = [];
afterEach(() => {
  warnings.length = 0;
});
const options = (config?: LoadOptions["config"]): LoadOptions => ({
  backend,
  ...(config !== undefined && { config }),
  onWarning: (warning) => warnings.push(warning),
});

const ids = (tensors: Reference, name: string): TokenIds => {
  const { data = [], shape = [] } = tensors.get(name) ?? {};
  return tokenIds(Int32Array.from<number | bigint>(data, Number), shape);
};

describe.each(models)("$name in one file", ({ name, path, config, tensors }) => {
  it("predicts as its UNet does", async () => {
    await using unet = await UNet2DConditionModel.fromPretrained(path, options(config));
    const [t = 0] = Array.from<number | bigint, number>(tensors.get("unet.timestep")?.data ?? [], Number);
    const conditions: UNetConditions = tensors.has("unet.time_ids")
      ? { textEmbeds: golden(tensors, "unet.text_embeds"), timeIds: golden(tensors, "unet.time_ids") }
      : {};
    const sample = golden(tensors, "unet.sample");
    const noise = await unet.predict(sample, t, golden(tensors, "unet.encoder_hidden_states"), conditions);
    expect(maxDifference(noise, golden(tensors, "unet.out"))).toBeLessThan(tolerance);
    expect([unet.unusedTensors, warnings]).toEqual([[], []]);
  });

  it("encodes and decodes as its autoencoder does", async () => {
    await using vae = await AutoencoderKL.fromPretrained(path, options(config));
    await checkAutoencoder(vae, tensors);
    expect([vae.unusedTensors, warnings]).toEqual([[], []]);
  });

  const towers = [...tensors.keys()].flatMap((key) => /^(\w+)\.input_ids$/.exec(key)?.[1] ?? []);
  it.each(towers)("reads text as its %s does", async (subfolder) => {
    await using encoder = await CLIPTextEncoder.fromPretrained(path, { ...options(config), subfolder });
    const text = ids(tensors, `${subfolder}.input_ids`);
    const { lastHiddenState, poolerOutput, hiddenStates, textEmbeds } = await encoder.outputs(text);
    const values: Record<string, Tensor | undefined> = {
      last_hidden_state: lastHiddenState,
      penultimate: hiddenStates.at(-2),
      pooler_output: poolerOutput,
      text_embeds: textEmbeds,
    };
    const differences = Object.entries(values).flatMap(([key, value]): [string, number][] => {
      const reference = `${subfolder}.${key}`;
      expect([reference, value !== undefined]).toEqual([reference, tensors.has(reference)]);
      return value ? [[key, maxDifference(value, golden(tensors, reference))]] : [];
    });
    expect(differences.filter(([, difference]) => !(difference < tolerance))).toEqual([]);
    expect([encoder.unusedTensors, warnings]).toEqual([[], []]);
    expect(encoder.config.layers).toBe(
      config[subfolder === "text_encoder" ? "text_encoder" : "text_encoder_2"].num_hidden_layers,
    );
  });

  it("is opened by the names of its parts too", async () => {
    await using vae = await AutoencoderKL.fromPretrained(path, { ...options(config), subfolder: "vae" });
    expect(vae.config.scalingFactor).toBe(name === "sdxl" ? 0.13025 : 0.18215);
  });
});

async function checkAutoencoder(vae: AutoencoderKL, tensors: Reference): Promise<void> {
  const { mean } = await vae.posterior(golden(tensors, "vae.enc_image"));
  expect(maxDifference(mean, golden(tensors, "vae.enc_mean"))).toBeLessThan(tolerance);
  const latents = affine(golden(tensors, "vae.latent"), vae.config.scalingFactor, 0);
  expect(maxDifference(await vae.decode(latents), golden(tensors, "vae.image"))).toBeLessThan(tolerance);
}

describe("a VAE in a file of its own", () => {
  const [{ config, tensors }] = models as [(typeof models)[0]];

  it("encodes and decodes, and says whose scale is assumed", async () => {
    const settings = { vae: { norm_num_groups: 4 } };
    await using vae = await AutoencoderKL.fromPretrained(`${folder}/vae_only.safetensors`, options(settings));
    await checkAutoencoder(vae, tensors);
    expect(vae.unusedTensors).toEqual([]);
    expect(warnings).toEqual([
      { code: "assumed-setting", message: expect.stringContaining("scaling_factor: 0.13025") },
    ]);
  });

  it("also under Diffusers' names, with the configuration of a folder", async () => {
    const path = `${fixtures}pipelines/tiny-sd/vae/diffusion_pytorch_model.safetensors`;
    await using vae = await AutoencoderKL.fromPretrained(path, options(`${fixtures}pipelines/tiny-sd`));
    const reference = goldenTensors("single_file/sd1.golden.safetensors");
    // the same network before its weights were rounded to float16
    const image = await vae.decode(affine(golden(reference, "vae.latent"), 0.18215, 0));
    expect(maxDifference(image, golden(reference, "vae.image"))).toBeLessThan(5e-3);
    expect(vae.config.normGroups).toBe(config.vae.norm_num_groups);
  });
});

describe("a UNet in a file of its own, under Diffusers' names", () => {
  it("predicts as that of its folder", async () => {
    const path = `${fixtures}pipelines/tiny-sd/unet/diffusion_pytorch_model.safetensors`;
    await using unet = await UNet2DConditionModel.fromPretrained(path, options(`${fixtures}pipelines/tiny-sd/unet`));
    const tensors = goldenTensors("models/unet_sd1.golden.safetensors");
    const [t = 0] = Array.from<number | bigint, number>(tensors.get("in0.timestep")?.data ?? [], Number);
    const noise = await unet.predict(golden(tensors, "in0.sample"), t, golden(tensors, "in0.encoder_hidden_states"));
    expect(maxDifference(noise, golden(tensors, "in0.out"))).toBeLessThan(2e-5);
  });
});

describe("what a single file is opened with", () => {
  const single = (shapes: Parameters<typeof headerOnlyFile>[0]): ModelFiles => ({
    ...memoryFiles({}),
    singleFile: headerOnlyFile(shapes),
  });

  it.each([
    ["a network that it does not hold", UNet2DConditionModel, single(vaeShapes("")), "holds no unet, only vae"],
    ["a tiny autoencoder", AutoencoderTiny, single(publishedFiles.sd1), "holds no such network, but unet, vae"],
    ["a text encoder of a VAE", CLIPTextEncoder, single(vaeShapes()), "holds no text_encoder, only vae"],
  ])("%s is refused", async (_, runner, source, message) => {
    const error = await runner.fromPretrained(source, { backend }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({ code: "unsupported-model", message: expect.stringContaining(message) });
  });

  it("tells of tensors that belong to nothing", async () => {
    const source = single({ ...vaeShapes(), "something.else": [2] });
    await AutoencoderKL.fromPretrained(source, options({ vae: { scaling_factor: 0.13025 } }));
    expect(warnings).toEqual([
      { code: "unused-tensors", message: "model.safetensors: no network has a place for something.else" },
    ]);
  });

  it("warns of settings for a folder, which has its own", async () => {
    const path = `${fixtures}pipelines/tiny-sd/vae`;
    await using vae = await AutoencoderKL.fromPretrained(path, options({ vae: { scaling_factor: 1 } }));
    expect(vae.config.scalingFactor).toBe(0.18215);
    expect(warnings).toEqual([{ code: "ignored-option", message: expect.stringMatching(/^config: .*tiny-sd/) }]);
  });

  it("is one file for all parts, on a disk", async () => {
    const { singleFile } = await openModel(`${folder}/sd1.safetensors`);
    expect(singleFile?.path).toBe(`${folder}/sd1.safetensors`);
  });
});
