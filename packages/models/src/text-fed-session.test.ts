import { concat, LatentKitError, slice, type Tensor, torchRandom } from "@latentkit/core";
import { readJson } from "@latentkit/hub";
import { openCheckpoint, unet2dCondition, unet2dConditionConfig } from "@latentkit/onnx";
import type { Backend } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { keepingBackend } from "../../../tests/keeping-backend.js";
import { ControlNetModel } from "./controlnet-model.js";
import type { LoadOptions } from "./load-options.js";
import { UNet2DConditionModel } from "./unet-2d-condition-model.js";

const cpu = await onnxruntimeNode({ device: "cpu", worker: false });
const open = (options: LoadOptions) =>
  UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-sd/unet`, options);

/** The network that is told the text itself at every step. */
async function openWhole(): Promise<UNet2DConditionModel> {
  const files = fixtureFiles("pipelines/tiny-sd/unet");
  const config = unet2dConditionConfig(await readJson(files, "config.json"));
  const network = unet2dCondition(await openCheckpoint(files, "diffusion_pytorch_model"), config);
  return new UNet2DConditionModel(await cpu.createSession(network), config);
}
const whole = await openWhole();
afterAll(() => whole.dispose());

const random = torchRandom(5);
const sample = random.normal([2, 4, 6, 10]);
const texts = [7, 7, 7].map((length) => random.normal([2, length, 32]));
const [first, second, third] = texts as [Tensor, Tensor, Tensor];

/** Checks a prediction against that of the network that is told the text itself: equal to the last bit. */
async function expectRight(unet: UNet2DConditionModel, text: Tensor, timestep = 500, latents = sample): Promise<void> {
  expect(await unet.predict(latents, timestep, text)).toEqual(await whole.predict(latents, timestep, text));
}

/** A backend that counts runs on texts alone and open sessions; its other runs fail when they are told to, once. */
function counting({ keeps = true, from = cpu }: { readonly keeps?: boolean; readonly from?: Backend } = {}) {
  const counts: { texts: number; open: number; opened: number; fail?: LatentKitError | undefined } = {
    texts: 0,
    open: 0,
    opened: 0,
  };
  const createSession: Backend["createSession"] = async (model, request) => {
    const session = await from.createSession(model, keeps ? request : {});
    const isText = session.inputs.every(({ name }) => name === "encoder_hidden_states");
    counts.open++;
    counts.opened++;
    const counted =
      <Args extends unknown[], Result>(run: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        if (isText) counts.texts++;
        const error = isText ? undefined : counts.fail;
        if (error) counts.fail = undefined;
        if (error) throw error;
        return run(...args);
      };
    let isOpen = true;
    return {
      ...session,
      run: counted(session.run),
      ...(session.keep && { keep: counted(session.keep) }),
      dispose() {
        if (isOpen) counts.open--;
        isOpen = false;
        return session.dispose();
      },
    };
  };
  return { backend: { ...from, createSession }, counts };
}

describe.each([true, false])("a UNet, where results may stay with their network: %s", (keeps) => {
  it("is told a text once for many steps", async () => {
    const { backend, counts } = counting({ keeps });
    await using unet = await open({ backend });
    for (const timestep of [981, 500, 1]) await expectRight(unet, first, timestep);
    expect(counts).toMatchObject({ texts: 1, open: 2 });
    await expectRight(unet, second);
    expect(counts.texts).toBe(2);
    await unet.dispose();
    await unet.dispose();
    expect(counts.open).toBe(0);
    await expect(unet.predict(sample, 1, first)).rejects.toMatchObject({ code: "disposed" });
  });

  it("knows the latest two, whichever tensors hold them", async () => {
    const { backend, counts } = counting({ keeps });
    await using unet = await open({ backend });
    for (const text of [first, second, concat([first]), second]) await expectRight(unet, text);
    expect(counts.texts).toBe(2);
    for (const text of [third, second, third, first]) await expectRight(unet, text);
    expect(counts.texts).toBe(4);
  });

  it("sees a text that was changed in its place, of another length or for fewer items", async () => {
    const { backend, counts } = counting({ keeps });
    await using unet = await open({ backend });
    const text = concat([first]);
    await expectRight(unet, text);
    text.data[3] = 2;
    await expectRight(unet, text);
    expect(counts.texts).toBe(2);
    await expectRight(unet, random.normal([2, 9, 32]));
    const latents = random.normal([1, 4, 9, 5]);
    for (const timestep of [7, 3]) await expectRight(unet, slice(text, 1, 2), timestep, latents);
    expect(counts.texts).toBe(4);
  });

  it("predicts for several texts at once, from what it was given", async () => {
    const { backend } = counting({ keeps });
    await using unet = await open({ backend });
    const expected = await Promise.all(texts.map((text) => whole.predict(sample, 3, text)));
    const [latents, told] = [concat([sample]), texts.map((text) => concat([text]))];
    const runs = [...told, ...told].map((text) => unet.predict(latents, 3, text));
    for (const value of [latents, ...told]) value.data.fill(0);
    expect(await Promise.all(runs)).toEqual([...expected, ...expected]);
  });

  it.each(["device-lost", "run-failed"] as const)("goes on after %s, with both networks opened again", async (code) => {
    const { backend, counts } = counting({ keeps });
    await using unet = await open({ backend });
    const told: string[] = [];
    unet.onReopen?.((error) => told.push(error.code));
    await expectRight(unet, first);
    counts.fail = new LatentKitError(code, "on purpose");
    await expectRight(unet, first, 1);
    await expectRight(unet, first, 2);
    expect(told).toEqual([code]);
    // what stayed is gone with its device, and is made again
    expect(counts).toMatchObject({ texts: 2, open: 2, opened: 4 });
  });
});

it("frees what stayed on the device", async () => {
  const { backend, traffic } = keepingBackend(cpu);
  const unet = await open({ backend });
  // keys and values of 16 layers
  await unet.predict(sample, 3, first);
  expect(traffic.textsAlive).toBe(32);
  await Promise.all([...texts, ...texts].map((text) => unet.predict(sample, 3, text)));
  await unet.predict(sample, 3, first);
  expect(traffic.textsAlive).toBe(64);
  const last = unet.predict(sample, 5, second);
  await Promise.all([unet.dispose(), unet.dispose()]);
  expect(await last).toEqual(await whole.predict(sample, 5, second));
  expect(traffic).toMatchObject({ textsAlive: 0, alive: 0 });
});

it("makes it anew when another network was the first to find the device lost", async () => {
  const { backend, counts } = counting();
  await using unet = await open({ backend });
  await using other = await open({ backend });
  await expectRight(unet, first);
  const told: string[] = [];
  unet.onReopen?.((error) => told.push(error.code));
  counts.fail = new LatentKitError("device-lost", "on purpose");
  await expectRight(other, second);
  await expectRight(unet, first, 1);
  expect(told).toEqual(["device-lost"]);
  // each network's text once before, and once after
  expect(counts).toMatchObject({ texts: 4, open: 4, opened: 8 });
});

it("is told the text once by each of its graphs: with residuals, whole and shallow", async () => {
  const { backend, counts } = counting();
  await using unet = await open({ backend });
  const reference = await whole.predict(sample, 9, first);
  for (const timestep of [9, 5]) await unet.predict(sample, timestep, first);
  const steered = await unet.predict(sample, 9, first, { perturbedAttention: true });
  expect(maxDifference(steered, reference)).toBeGreaterThan(1e-4);
  await expectRight(unet, first, 9);
  expect(counts).toMatchObject({ texts: 2, open: 2 });
  const cut = unet.split(1);
  const { deepFeature } = await cut.whole(sample, 9, first);
  const shallow = await cut.shallow(sample, 9, first, deepFeature);
  expect(maxDifference(shallow, reference)).toBeLessThan(1e-5);
  for (const timestep of [8, 7]) await cut.shallow(sample, timestep, first, deepFeature);
  expect(counts).toMatchObject({ texts: 4, open: 4 });
  await unet.dispose();
  expect(counts.open).toBe(0);
});

it.each([
  ["memory is short", {}, { memory: "low" }],
  ["results go over to the device at each run", { device: "cuda" }, {}],
] as const)("sees the text itself where %s", async (_, changed, options) => {
  const { backend, counts } = counting({ from: { ...cpu, ...changed } });
  await using unet = await open({ backend, ...options });
  const noise = await unet.predict(sample, 500, first);
  expect(maxDifference(noise, await whole.predict(sample, 500, first))).toBeLessThan(2e-5);
  expect(counts).toMatchObject({ texts: 0, open: 1 });
});

it.each([
  { dtype: "fp16", tolerance: 0.02 },
  { dtype: "q8", tolerance: 0.05 },
] as const)("is told the text once in $dtype too", async ({ dtype, tolerance }) => {
  const { backend, counts } = counting({ from: { ...cpu, float16: true } });
  await using unet = await open({ backend, dtype });
  for (const timestep of [500, 3]) {
    const noise = await unet.predict(sample, timestep, first);
    expect(maxDifference(noise, await whole.predict(sample, timestep, first))).toBeLessThan(tolerance);
  }
  expect(counts.texts).toBe(1);
});

it("ends what was opened when the graph of the text cannot be", async () => {
  const { backend, counts } = counting();
  const createSession: Backend["createSession"] = async (model, request) => {
    if (counts.opened > 0) throw new LatentKitError("out-of-memory", "no room");
    return backend.createSession(model, request);
  };
  await expect(open({ backend: { ...backend, createSession } })).rejects.toMatchObject({ code: "out-of-memory" });
  expect(counts.open).toBe(0);
});

it("serves ControlNets", async () => {
  const { backend, counts } = counting();
  await using controlNet = await ControlNetModel.fromPretrained(`${fixtures}pipelines/tiny-controlnet`, { backend });
  const condition = random.normal([1, 3, 6 * controlNet.scaleFactor, 10 * controlNet.scaleFactor]);
  const begun = await controlNet.predict(sample, 9, first, condition);
  await controlNet.predict(sample, 8, first, condition);
  expect(counts.texts).toBe(1);
  const { midResidual } = await controlNet.predict(sample, 9, second, condition);
  expect(maxDifference(midResidual, begun.midResidual)).toBeGreaterThan(1e-6);
  expect(await controlNet.predict(sample, 9, first, condition)).toEqual(begun);
  expect(counts.texts).toBe(2);
});

it("has no graph for a text that no layer looks at", async () => {
  const { backend, counts } = counting();
  await using controlNet = await ControlNetModel.fromPretrained(`${fixtures}models/controlnet_small`, { backend });
  const { config, scaleFactor } = controlNet;
  const condition = random.normal([1, 3, 6 * scaleFactor, 10 * scaleFactor]);
  await controlNet.predict(sample, 9, random.normal([2, 7, config.crossAttentionDim]), condition, { classLabels: [1] });
  expect(counts).toMatchObject({ texts: 0, open: 1 });
});
