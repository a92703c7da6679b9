import { tokenIds, torchRandom, zeros } from "@latentkit/core";
import type { Backend, Session } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { AutoencoderKL } from "./autoencoder-kl.js";
import { AutoencoderTiny } from "./autoencoder-tiny.js";
import { CLIPTextEncoder } from "./clip-text-encoder.js";
import type { LoadOptions } from "./load-options.js";
import { UNet2DConditionModel } from "./unet-2d-condition-model.js";
import { UNet2DModel } from "./unet-2d-model.js";

const cpu = await onnxruntimeNode({ device: "cpu", worker: false });

/** A backend that knows how many of its sessions are open, and how many were opened. */
function counting(): { readonly backend: Backend; open: number; opened: number } {
  const counts = { backend: cpu, open: 0, opened: 0 };
  const createSession: Backend["createSession"] = async (model) => {
    const session = await cpu.createSession(model);
    counts.open++;
    counts.opened++;
    let isOpen = true;
    const dispose: Session["dispose"] = async () => {
      if (isOpen) counts.open--;
      isOpen = false;
      await session.dispose();
    };
    return { ...session, dispose };
  };
  counts.backend = { ...cpu, createSession };
  return counts;
}

interface Runner {
  release(): Promise<void>;
  dispose(): Promise<void>;
}

const runners: Record<string, (options: LoadOptions) => Promise<[Runner, () => Promise<unknown>]>> = {
  async CLIPTextEncoder(options) {
    const encoder = await CLIPTextEncoder.fromPretrained(`${fixtures}text_encoder/sdxl2_with_projection`, options);
    const ids = tokenIds(Int32Array.of(3, 5, 8), [1, 3]);
    // what is encoded with a mask is not remembered
    const attentionMask = tokenIds(Int32Array.of(1, 1, 1), [1, 3]);
    return [encoder, () => encoder.outputs(ids, { attentionMask })];
  },
  async UNet2DConditionModel(options) {
    const unet = await UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-sd/unet`, options);
    const random = torchRandom(1);
    const [sample, context] = [random.normal([1, 4, 10, 6]), random.normal([1, 5, 32])];
    return [unet, () => unet.predict(sample, 7, context)];
  },
  async UNet2DModel(options) {
    const unet = await UNet2DModel.fromPretrained(`${fixtures}models/unet2d_ddpm`, options);
    const sample = torchRandom(1).normal([1, unet.config.inChannels, 16, 24]);
    return [unet, () => unet.predict(sample, 7)];
  },
  async AutoencoderKL(options) {
    const vae = await AutoencoderKL.fromPretrained(`${fixtures}pipelines/tiny-sd/vae`, options);
    return [vae, () => vae.decode(torchRandom(1).normal([1, 4, 5, 3]))];
  },
  async AutoencoderTiny(options) {
    const vae = await AutoencoderTiny.fromPretrained(`${fixtures}models/vae_tiny`, options);
    return [vae, () => vae.decode(torchRandom(1).normal([1, 4, 5, 3]))];
  },
};

describe.each(Object.entries(runners))("%s", (name, start) => {
  it("is opened when it runs and freed by release, where memory is low", async () => {
    const counts = counting();
    const [runner, run] = await start({ backend: counts.backend, memory: "low" });
    expect([counts.opened, counts.open]).toEqual([0, 0]);
    const first = await run();
    await run();
    expect([counts.opened, counts.open]).toEqual([1, 1]);
    await runner.release();
    await runner.release();
    expect([counts.opened, counts.open]).toEqual([1, 0]);
    expect(await run()).toEqual(first);
    expect([counts.opened, counts.open]).toEqual([2, 1]);
    await runner.dispose();
    expect(counts.open).toBe(0);
    await expect(run()).rejects.toMatchObject({ name: "LatentKitError", code: "disposed" });
    expect(counts.opened).toBe(2);
  });

  it("stays open through release otherwise", async () => {
    const counts = counting();
    const [runner, run] = await start({ backend: counts.backend });
    const first = await run();
    await runner.release();
    expect(await run()).toEqual(first);
    // the text has a network of its own
    const sessions = name === "UNet2DConditionModel" ? 2 : 1;
    expect([counts.opened, counts.open]).toEqual([sessions, sessions]);
    await runner.dispose();
    expect(counts.open).toBe(0);
  });

  it("ends a run before it is freed", async () => {
    const counts = counting();
    const [runner, run] = await start({ backend: counts.backend, memory: "low" });
    const running = run();
    await runner.release();
    expect(counts.open).toBe(0);
    expect(await running).toEqual(await run());
    await runner.dispose();
  });
});

it("opens a network again after it could not be opened", async () => {
  const counts = counting();
  let broken = true;
  const createSession: Backend["createSession"] = (model) =>
    broken ? Promise.reject(new Error("no room")) : counts.backend.createSession(model);
  const backend = { ...counts.backend, createSession };
  const folder = `${fixtures}pipelines/tiny-sd/unet`;
  await using unet = await UNet2DConditionModel.fromPretrained(folder, { backend, memory: "low" });
  const run = () => unet.predict(zeros([1, 4, 8, 8]), 1, zeros([1, 2, 32]));
  await expect(run()).rejects.toThrow("no room");
  await unet.release();
  broken = false;
  expect((await run()).shape).toEqual([1, 4, 8, 8]);
});

it.each(["tiny", "", 8, null])("refuses memory %j by name", async (memory) => {
  // @ts-expect-error a caller without types
  const opening = UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/tiny-sd/unet`, { backend: cpu, memory });
  const error = await opening.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RangeError);
  expect(String(error)).toContain(`memory: expected one of normal, low, got ${JSON.stringify(memory)}`);
});
