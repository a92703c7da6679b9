import { torchRandom, zeros } from "@latentkit/core";
import { skipCount } from "@latentkit/onnx";
import type { Backend } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { UNet2DConditionModel } from "./unet-2d-condition-model.js";

// graphs are opened by the dozen: what optimizing them takes is more than it saves
const sessionOptions = { graphOptimizationLevel: "disabled" } as const;
const cpu = await onnxruntimeNode({ device: "cpu", worker: false, threads: 1, sessionOptions });

/** A backend that counts the sessions that are open. */
function watched() {
  const open = { now: 0, most: 0 };
  const createSession: Backend["createSession"] = async (model) => {
    const session = await cpu.createSession(model);
    open.most = Math.max(open.most, ++open.now);
    let isOpen = true;
    const dispose = async () => {
      if (isOpen) open.now--;
      isOpen = false;
      await session.dispose();
    };
    return { ...session, dispose };
  };
  return { backend: { ...cpu, createSession }, open };
}

/** Inputs for a network at an odd size, as every level has then another one. */
function inputsOf({ config }: UNet2DConditionModel) {
  const random = torchRandom(3);
  const { textTime, timeCondProjDim } = config;
  return {
    sample: random.normal([2, config.inChannels, 9, 14]),
    context: random.normal([2, 5, config.crossAttentionDim]),
    conditions: {
      ...(textTime && {
        textEmbeds: random.normal([2, textTime.inputDim - 6 * textTime.timeEmbedDim]),
        timeIds: random.normal([2, 6]),
      }),
      ...(timeCondProjDim !== undefined && { timestepCond: random.normal([2, timeCondProjDim]) }),
    },
  };
}

const folders = [
  "pipelines/tiny-sd/unet",
  "pipelines/tiny-sdxl/unet",
  "pipelines/tiny-lcm-unet",
  "pipelines/tiny-inpaint-unet",
  "models/unet_no_middle",
  "models/unet_plain_middle",
  "models/unet_sd2",
];

describe("a network that is cut", () => {
  it.each(folders)("%s gives in its parts what it gives whole, wherever it is cut", async (folder) => {
    const { backend, open } = watched();
    await using unet = await UNet2DConditionModel.fromPretrained(`${fixtures}${folder}`, { backend });
    const { sample, context, conditions } = inputsOf(unet);
    const plain = await unet.predict(sample, 500, context, conditions);
    const count = skipCount(unet.config);
    // in the finest block, at its end, between blocks, and below all
    const branches = [0, 2, 3, count - 1];
    for (const branch of branches) {
      const { whole, shallow } = unet.split(branch);
      const { prediction, deepFeature } = await whole(sample, 500, context, conditions);
      expect(maxDifference(prediction, plain), `whole ${branch}`).toBeLessThan(1e-6);
      const again = await shallow(sample, 500, context, deepFeature, conditions);
      expect(maxDifference(again, plain), `shallow ${branch}`).toBeLessThan(1e-6);
    }
    // the whole network and one shallow part, each with a graph for the text where it sees that
    expect(open.most).toBe(4);
    expect(maxDifference(await unet.predict(sample, 500, context, conditions), plain)).toBeLessThan(1e-6);
    await unet.dispose();
    expect(open.now).toBe(0);
  });

  it("sees another sample through its shallow part alone", async () => {
    await using unet = await UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-sd/unet`, {
      backend: cpu,
    });
    const { sample, context } = inputsOf(unet);
    const { whole, shallow } = unet.split(0);
    const { prediction, deepFeature } = await whole(sample, 500, context);
    const other = await shallow(zeros(sample.shape), 480, context, deepFeature);
    expect(maxDifference(other, prediction)).toBeGreaterThan(1e-3);
  });

  it("takes turns with residuals, and is opened again after a release", async () => {
    const { backend, open } = watched();
    const folder = `${fixtures}pipelines/tiny-sd/unet`;
    await using unet = await UNet2DConditionModel.fromPretrained(folder, { backend, memory: "low" });
    const { sample, context } = inputsOf(unet);
    const { whole, shallow } = unet.split(1);
    const { prediction, deepFeature } = await whole(sample, 500, context);
    await shallow(sample, 500, context, deepFeature);
    await unet.release();
    expect(open.now).toBe(0);
    expect(await shallow(sample, 500, context, deepFeature)).toEqual(prediction);
    const perturbed = await unet.predict(sample, 500, context, { perturbedAttention: true });
    expect(maxDifference(perturbed, prediction)).toBeGreaterThan(1e-4);
    expect((await whole(sample, 500, context)).prediction).toEqual(prediction);
    await unet.dispose();
    expect(open.now).toBe(0);
  });

  it("refuses what it cannot do", async () => {
    await using unet = await UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-sd/unet`, {
      backend: cpu,
    });
    const { sample, context } = inputsOf(unet);
    const last = skipCount(unet.config) - 1;
    for (const branch of [-1, last + 1, 0.5])
      expect(() => unet.split(branch)).toThrow(
        new RangeError(`branch: expected an integer from 0 to ${last}, the network's skip connections, got ${branch}`),
      );
    // @ts-expect-error: a text
    expect(() => unet.split("0")).toThrow(new TypeError("branch: expected a number, got 0"));
    const { whole, shallow } = unet.split(0);
    await expect(whole(zeros([1, 3, 8, 8]), 1, context)).rejects.toThrow(RangeError);
    await expect(shallow(sample, 1, context, zeros([2, 3, 9, 14]))).rejects.toThrow(RangeError);
    await expect(whole(sample, 1, context, { perturbedAttention: true } as object)).rejects.toThrow(
      new TypeError("conditions: expected no residuals and no perturbedAttention for a network that is cut"),
    );
  });
});

describe("token merging", () => {
  it("changes the prediction by little, with and without a cut, and is checked", async () => {
    const folder = `${fixtures}pipelines/tiny-sd/unet`;
    await using plain = await UNet2DConditionModel.fromPretrained(folder, { backend: cpu });
    const { sample, context } = inputsOf(plain);
    const expected = await plain.predict(sample, 500, context);
    const differences: number[] = [];
    for (const ratio of [0.005, 0.2]) {
      await using unet = await UNet2DConditionModel.fromPretrained(folder, {
        backend: cpu,
        tokenMerging: { ratio, maxDownsample: 2 },
      });
      const prediction = await unet.predict(sample, 500, context);
      differences.push(maxDifference(prediction, expected));
      const { whole, shallow } = unet.split(4);
      const parts = await whole(sample, 500, context);
      expect(await shallow(sample, 500, context, parts.deepFeature)).toEqual(prediction);
    }
    // of 9·14 tokens, 0.5 % is none
    expect(differences[0]).toBeLessThan(1e-5);
    expect(differences[1]).toBeGreaterThan(1e-3);
    const opening = UNet2DConditionModel.fromPretrained(folder, { backend: cpu, tokenMerging: { ratio: 2 } });
    await expect(opening).rejects.toThrow(RangeError);
  });
});
