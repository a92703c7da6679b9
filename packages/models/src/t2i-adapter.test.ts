import { type Tensor, zeros } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, describe, expect, it } from "vitest";
import { fixtures, golden, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { ControlNetModel } from "./controlnet-model.js";
import { mixFeatures } from "./mix-features.js";
import { T2IAdapter } from "./t2i-adapter.js";
import { UNet2DConditionModel, type UNetConditions } from "./unet-2d-condition-model.js";

type Reference = ReturnType<typeof goldenTensors>;

// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const tolerance = 1e-4;

const open = (name: string) => T2IAdapter.fromPretrained(`${fixtures}models/${name}`, { backend });
const openUNet = (name = "tiny-sd") =>
  UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/${name}/unet`, { backend, residuals: true });

// most tests run this
const tinyUNet = await openUNet();
afterAll(() => tinyUNet.dispose());

function checkFeatures(tensors: Reference, prefix: string, features: readonly Tensor[]): void {
  const known = [...tensors.keys()].filter((name) => name.startsWith(`${prefix}feature`));
  expect(features.length).toBe(known.length);
  for (const [i, feature] of features.entries())
    expect(maxDifference(feature, golden(tensors, `${prefix}feature${i}`)), `feature${i}`).toBeLessThan(tolerance);
}

async function checkUNet(
  unet: UNet2DConditionModel,
  tensors: Reference,
  run: string,
  conditions: UNetConditions,
): Promise<void> {
  const timestep = Array.from<number | bigint, number>(tensors.get("timestep")?.data ?? [], Number);
  const context = golden(tensors, "encoder_hidden_states");
  const noise = await unet.predict(golden(tensors, "sample"), timestep, context, conditions);
  expect(maxDifference(noise, golden(tensors, `${run}unet_out`)), run).toBeLessThan(tolerance);
}

describe("the features of Diffusers, and what the UNet makes of them", () => {
  // Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from random weights; see fixtures/README.md.
  it.each(["t2i_full", "t2i_light"])("%s", async (name) => {
    const tensors = goldenTensors(`models/${name}.golden.safetensors`);
    await using adapter = await open(name);
    const downIntraResiduals = await adapter.features(golden(tensors, "image"));
    checkFeatures(tensors, "", downIntraResiduals);
    await checkUNet(tinyUNet, tensors, "", { downIntraResiduals });
    expect(adapter.unusedTensors).toEqual([]);
  });

  // Made by Diffusers 0.40.0.dev0 on torch 2.13.
  it("t2i_xl, with a feature for the middle", async () => {
    const tensors = goldenTensors("models/t2i_xl.golden.safetensors");
    await using adapter = await open("t2i_xl");
    await using xl = await openUNet("tiny-sdxl");
    const downIntraResiduals = await adapter.features(golden(tensors, "image"));
    checkFeatures(tensors, "", downIntraResiduals);
    const added = { textEmbeds: golden(tensors, "text_embeds"), timeIds: golden(tensors, "time_ids") };
    await checkUNet(xl, tensors, "", { ...added, downIntraResiduals });
    expect([adapter.downscaleFactor, adapter.totalDownscaleFactor, adapter.unusedTensors]).toEqual([16, 32, []]);
  });
});

// Made by Diffusers 0.40.0.dev0 on torch 2.13: latents of 9x11, whose halves are rounded up.
describe("on an odd size", () => {
  const tensors = goldenTensors("models/t2i_settings.golden.safetensors");
  const images = ["image0", "image1"].map((name) => golden(tensors, name));

  it.each([
    ["full", 64],
    ["light", 128],
  ])("%s, alone and as several", async (kind, factor) => {
    await using adapter = await open(`t2i_${kind}`);
    const [first = [], second = []] = [await adapter.features(images[0]!), await adapter.features(images[1]!)];
    checkFeatures(tensors, `${kind}.`, first);
    await checkUNet(tinyUNet, tensors, `${kind}.`, { downIntraResiduals: first });
    await checkUNet(tinyUNet, tensors, `${kind}.even.`, { downIntraResiduals: mixFeatures([first, second]) });
    const weighted = mixFeatures([first, second], [0.3, 0.9]);
    await checkUNet(tinyUNet, tensors, `${kind}.weights.`, { downIntraResiduals: weighted });
    expect([adapter.downscaleFactor, adapter.totalDownscaleFactor]).toEqual([8, factor]);
  });

  it("beside a ControlNet", async () => {
    await using adapter = await open("t2i_full");
    await using controlNet = await ControlNetModel.fromPretrained(`${fixtures}pipelines/tiny-controlnet`, { backend });
    const [sample, context] = [golden(tensors, "sample"), golden(tensors, "encoder_hidden_states")];
    const residuals = await controlNet.predict(sample, 601, context, images[1]!, { scale: 0.8 });
    const downIntraResiduals = await adapter.features(images[0]!);
    await checkUNet(tinyUNet, tensors, "both.", { ...residuals, downIntraResiduals });
  });
});

describe("what an adapter refuses", () => {
  it("pictures that do not fit", async () => {
    await using adapter = await open("t2i_full");
    const wrong: [Tensor, string][] = [
      [zeros([1, 1, 64, 64]), "image: expected shape [B, 3, H, W], got [1, 1, 64, 64]"],
      [zeros([1, 3, 64, 60]), "image: expected sides that are multiples of 8, got 64 rows and 60 columns"],
      [zeros([0, 3, 64, 64]), "image: expected no empty axis, got [0, 3, 64, 64]"],
    ];
    for (const [image, message] of wrong)
      await expect(adapter.features(image)).rejects.toThrow(new RangeError(message));
  });

  it("a network of another class", async () => {
    const opening = T2IAdapter.fromPretrained(`${fixtures}pipelines/tiny-controlnet`, { backend });
    await expect(opening).rejects.toThrow('_class_name is "ControlNetModel"; supported: T2IAdapter');
  });
});

describe("mixFeatures", () => {
  it("refuses what does not belong together", () => {
    const features = [zeros([1, 2, 4, 4]), zeros([1, 2, 2, 2])];
    expect(() => mixFeatures([])).toThrow(new RangeError("features: expected those of at least one adapter, got none"));
    expect(() => mixFeatures([features, features], [1])).toThrow("weights: expected 2 finite numbers, got 1");
    expect(() => mixFeatures([features, features.slice(1)])).toThrow("features: expected 2 of each adapter, got 1");
    expect(() => mixFeatures([features, features.toReversed()])).toThrow(RangeError);
  });
});
