import { zeros } from "@latentkit/core";
import { unet2dConfig } from "@latentkit/onnx";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { UNet2DModel } from "./unet-2d-model.js";

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly folder: string;
  readonly golden: string;
  readonly inputs: readonly unknown[];
}

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from random weights; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly Case[] }>("models/cases.json");
const networks = cases.filter(({ kind }) => kind === "UNet2DModel");
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const open = (folder: string) => UNet2DModel.fromPretrained(`${fixtures}models/${folder}`, { backend });

/** Values of a reference tensor of any type; none when there is no such tensor. */
function numbers(tensors: ReturnType<typeof goldenTensors>, name: string): number[] {
  return Array.from<number | bigint, number>(tensors.get(name)?.data ?? [], Number);
}

describe("the predictions of Diffusers", () => {
  it.each(networks)("$name", async ({ folder, golden: file, inputs }) => {
    const tensors = goldenTensors(`models/${file}`);
    await using unet = await open(folder);
    expect(unet.unusedTensors).toEqual([]);
    for (const run of inputs.keys()) {
      const labels = numbers(tensors, `in${run}.class_labels`);
      const conditions = labels.length > 0 ? { classLabels: labels } : {};
      const sample = golden(tensors, `in${run}.sample`);
      const noise = await unet.predict(sample, numbers(tensors, `in${run}.timestep`), conditions);
      expect(maxDifference(noise, golden(tensors, `in${run}.out`)), `in${run}`).toBeLessThan(2e-5);
    }
  });
});

describe("predict", () => {
  it("names the argument that does not fit", async () => {
    await using plain = await open("unet2d_ddpm");
    await using labelled = await open("unet2d_class");
    const sample = zeros([2, 1, 8, 16]);
    const wrong: [Promise<unknown>, Error][] = [
      [plain.predict(sample, 1), new RangeError("sample: expected shape [B, 3, H, W], got [2, 1, 8, 16]")],
      [plain.predict(zeros([0, 3, 8, 8]), 1), new RangeError("sample: expected no empty axis, got [0, 3, 8, 8]")],
      [plain.predict(zeros([1, 3, 8, 8]), Number.NaN), new RangeError("timestep: expected finite numbers, got NaN")],
      [
        plain.predict(zeros([1, 3, 8, 8]), 1, { classLabels: [1] }),
        new TypeError("classLabels: this network does not take it"),
      ],
      [labelled.predict(sample, 1), new TypeError("classLabels: this network needs one per picture")],
      [
        labelled.predict(sample, 1, { classLabels: [10] }),
        new RangeError("classLabels: expected integers from 0 to 9, got 10"),
      ],
      [
        labelled.predict(sample, 1, { classLabels: [1, 2, 3] }),
        new RangeError("classLabels: expected 1 or 2 values, got 3"),
      ],
    ];
    for (const [run, error] of wrong) await expect(run).rejects.toThrow(error);
  });
});

describe("a configuration", () => {
  it.each([
    [{ down_block_types: ["AttnSkipDownBlock2D", "DownBlock2D"] }, 'down_block_types[0] is "AttnSkipDownBlock2D"'],
    [{ up_block_types: ["UpBlock2D"] }, "up_block_types is"],
    [{ resnet_time_scale_shift: "spatial" }, 'resnet_time_scale_shift is "spatial"; supported: default, scale_shift'],
    [{ class_embed_type: "identity" }, 'class_embed_type is "identity"; supported: timestep'],
    [{ downsample_type: "fir" }, 'downsample_type is "fir"; supported: conv, resnet'],
  ])("that would change the picture is refused: %j", (change, message) => {
    const json = {
      block_out_channels: [8, 8],
      down_block_types: ["DownBlock2D", "DownBlock2D"],
      up_block_types: ["UpBlock2D", "UpBlock2D"],
      ...change,
    };
    expect(() => unet2dConfig(json)).toThrow(message);
  });
});
