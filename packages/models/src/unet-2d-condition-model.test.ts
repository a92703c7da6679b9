import type { Tensor } from "@latentkit/core";
import { tensor, zeros } from "@latentkit/core";
import { openCheckpoint, unet2dCondition, unet2dConditionConfig, unfused } from "@latentkit/onnx";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { UNet2DConditionModel, type UNetConditions } from "./unet-2d-condition-model.js";

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly folder: string;
  readonly golden: string;
  readonly inputs: readonly { readonly sample: readonly number[] }[];
}

type Reference = ReturnType<typeof goldenTensors>;

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from random weights; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly Case[] }>("models/cases.json");
const networks = cases.filter(({ kind }) => kind === "UNet2DConditionModel");
// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

function open(folder: string, options = {}): Promise<UNet2DConditionModel> {
  return UNet2DConditionModel.fromPretrained(`${fixtures}models/${folder}`, { backend, ...options });
}

/** Values of a reference tensor of any type. */
function numbers(tensors: Reference, name: string): number[] {
  return Array.from<number | bigint, number>(tensors.get(name)?.data ?? [], Number);
}

function optional(tensors: Reference, name: string): Tensor | undefined {
  return tensors.has(name) ? golden(tensors, name) : undefined;
}

function conditions(tensors: Reference, run: string): UNetConditions {
  const given = {
    textEmbeds: optional(tensors, `${run}.text_embeds`),
    timeIds: optional(tensors, `${run}.time_ids`),
    timestepCond: optional(tensors, `${run}.timestep_cond`),
    classLabels: tensors.has(`${run}.class_labels`) ? numbers(tensors, `${run}.class_labels`) : undefined,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function predict(unet: UNet2DConditionModel, tensors: Reference, run: string): Promise<Tensor> {
  const sample = golden(tensors, `${run}.sample`);
  const context = golden(tensors, `${run}.encoder_hidden_states`);
  return unet.predict(sample, numbers(tensors, `${run}.timestep`), context, conditions(tensors, run));
}

describe("the predictions of Diffusers", () => {
  it.each(networks)("$name", async ({ folder, golden: file, inputs }) => {
    const tensors = goldenTensors(`models/${file}`);
    await using unet = await open(folder);
    expect(unet.unusedTensors).toEqual([]);
    for (const run of inputs.keys()) {
      const noise = await predict(unet, tensors, `in${run}`);
      expect(maxDifference(noise, golden(tensors, `in${run}.out`)), `in${run}`).toBeLessThan(2e-5);
    }
  });

  it("also from standard operators alone", async () => {
    const files = fixtureFiles("pipelines/tiny-sd/unet");
    const config = unet2dConditionConfig(
      await files.find("config.json").then(async (file) => parse(await file?.read())),
    );
    const network = unet2dCondition(await openCheckpoint(files, "diffusion_pytorch_model"), config, {
      operators: unfused,
    });
    const session = await backend.createSession(network);
    await using unet = new UNet2DConditionModel(session, config);
    const tensors = goldenTensors("models/unet_sd1.golden.safetensors");
    for (const run of ["in0", "in1", "in3"]) {
      expect(maxDifference(await predict(unet, tensors, run), golden(tensors, `${run}.out`))).toBeLessThan(2e-5);
    }
  });
});

function parse(bytes: Uint8Array | undefined): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

describe("a checkpoint", () => {
  it("of which only the fp16 variant exists is found with and without its name", async () => {
    const tensors = goldenTensors("models/unet_fp16.golden.safetensors");
    await using asked = await open("unet_fp16", { variant: "fp16" });
    await using found = await open("unet_fp16");
    expect(await predict(asked, tensors, "in0")).toEqual(await predict(found, tensors, "in0"));
  });

  it("without the variant asked for is refused", async () => {
    await expect(open("unet_sd2", { variant: "fp16" })).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining("leave variant out"),
    });
  });
});

describe("predict", () => {
  const sample = zeros([2, 4, 8, 16]);
  const context = zeros([2, 7, 32]);

  it("names the argument that does not fit", async () => {
    await using unet = await open("../pipelines/tiny-sd/unet");
    const wrong: [Parameters<UNet2DConditionModel["predict"]>, string][] = [
      [[zeros([2, 3, 8, 16]), 1, context], "sample: expected shape [B, 4, H, W], got [2, 3, 8, 16]"],
      [[zeros([2, 4, 8]), 1, context], "sample: expected shape [B, 4, H, W]"],
      [[sample, 1, zeros([2, 7, 48])], "encoderHiddenStates: expected shape [2, L, 32], got [2, 7, 48]"],
      [[sample, 1, zeros([1, 7, 32])], "encoderHiddenStates: expected shape [2, L, 32], got [1, 7, 32]"],
      [[zeros([0, 4, 8, 16]), 1, context], "sample: expected no empty axis, got [0, 4, 8, 16]"],
      [[sample, Number.NaN, context], "timestep: expected finite numbers, got NaN"],
      [[sample, [1, 2, 3], context], "timestep: expected 1 or 2 values, got 3"],
    ];
    for (const [args, message] of wrong) {
      const error = await unet.predict(...args).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RangeError);
      expect(String(error)).toContain(message);
    }
    await expect(unet.predict(sample, 1, context, { classLabels: [1] })).rejects.toThrow(
      new TypeError("classLabels: this network does not take it"),
    );
  });

  it("asks for the conditions that a network needs", async () => {
    const tensors = goldenTensors("models/unet_sdxl.golden.safetensors");
    await using unet = await open("../pipelines/tiny-sdxl/unet");
    const given = conditions(tensors, "in0");
    const run = (wrong: UNetConditions) =>
      unet.predict(golden(tensors, "in0.sample"), 1, golden(tensors, "in0.encoder_hidden_states"), wrong);
    const { timeIds = zeros([1, 6]), textEmbeds = zeros([1, 20]) } = given;
    await expect(run({ timeIds })).rejects.toThrow(new TypeError("textEmbeds: this network needs it"));
    await expect(run({ textEmbeds })).rejects.toThrow(new TypeError("timeIds: this network needs it"));
    await expect(run({ timeIds, textEmbeds: zeros([3, 20]) })).rejects.toThrow(
      "textEmbeds beside 6 timeIds: expected shape [1, 20], got [3, 20]",
    );
    await expect(run({ timeIds, textEmbeds: zeros([1, 21]) })).rejects.toThrow("expected shape [1, 20], got [1, 21]");
    await expect(run({ timeIds: zeros([1, 5]), textEmbeds })).rejects.toThrow(
      "beside 5 timeIds: expected shape [1, 28]",
    );
  });

  it("takes labels that the network has", async () => {
    await using unet = await open("unet_upscaler");
    const run = (classLabels: readonly number[]) =>
      unet.predict(zeros([1, 7, 8, 8]), 1, zeros([1, 77, 32]), { classLabels });
    await expect(run([0.5])).rejects.toThrow(new RangeError("classLabels: expected integers from 0 to 39, got 0.5"));
    await expect(run([1, 2])).rejects.toThrow(new RangeError("classLabels: expected 1 or 1 values, got 2"));
    await expect(run([40])).rejects.toThrow(new RangeError("classLabels: expected integers from 0 to 39, got 40"));
    await expect(run([-1])).rejects.toThrow(new RangeError("classLabels: expected integers from 0 to 39, got -1"));
  });

  it("reads views, and leaves its arguments as they are", async () => {
    await using unet = await open("../pipelines/tiny-sd/unet");
    const tensors = goldenTensors("models/unet_sd1.golden.safetensors");
    const straight = golden(tensors, "in1.sample");
    const before = straight.data.slice();
    // the same values in another order of memory: width before height
    const [batch = 0, channels = 0, height = 0, width = 0] = straight.shape;
    const turned = tensor(new Float32Array(straight.data.length), [batch, channels, width, height]).transpose(
      0,
      1,
      3,
      2,
    );
    for (const b of Array(batch).keys())
      for (const c of Array(channels).keys())
        for (const y of Array(height).keys())
          for (const x of Array(width).keys()) turned.set(b, c, y, x, straight.get(b, c, y, x));
    const context2 = golden(tensors, "in1.encoder_hidden_states");
    const out = await unet.predict(turned, numbers(tensors, "in1.timestep"), context2);
    expect(maxDifference(out, golden(tensors, "in1.out"))).toBeLessThan(2e-5);
    expect(straight.data).toEqual(before);
  });

  it("refuses to run once disposed", async () => {
    const unet = await open("../pipelines/tiny-sd/unet");
    await unet.dispose();
    await unet.dispose();
    await expect(unet.predict(sample, 1, context)).rejects.toMatchObject({ name: "LatentKitError", code: "disposed" });
  });
});
