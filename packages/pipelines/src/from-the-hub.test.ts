import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DownloadProgress } from "@latentkit/hub";
import { AutoencoderKL } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { folderFiles, type HubServer, startHub } from "../../../tests/hub-server.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const needs = { token: "hf_secret", kind: "gated" } as const;
const draw = { prompt: "a cat", numInferenceSteps: 2, seed: 3, width: 64, height: 48, outputType: "latent" } as const;

let hub: HubServer;
let cacheDir: string;
beforeAll(async () => {
  const repository = { files: folderFiles("pipelines/tiny-sd"), commit: "2".repeat(40), refs: ["v1"], needs };
  hub = await startHub({ "someone/tiny-sd": repository });
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_TOKEN", "");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.close();
});
beforeEach(async () => {
  hub.reset();
  cacheDir = await mkdtemp(join(tmpdir(), "latentkit-hub-"));
  return () => rm(cacheDir, { recursive: true });
});

it("a pipeline comes from the Hub with revision, token, cache and progress, and draws what its folder draws", async () => {
  const told: DownloadProgress[] = [];
  const options = { revision: "v1", token: needs.token, cacheDir, onProgress: (at: DownloadProgress) => told.push(at) };
  await using pipe = await StableDiffusionPipeline.fromPretrained("someone/tiny-sd", { ...options, backend });
  await using local = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
  expect((await pipe.generate(draw)).latents).toEqual((await local.generate(draw)).latents);
  expect(told.at(-1)?.loaded).toBe(told.at(-1)?.total);
  expect(hub.requests.some(({ path }) => path.includes("/resolve/"))).toBe(true);
});

it("parts that are given are not downloaded", async () => {
  await using vae = await AutoencoderKL.fromPretrained(`${fixtures}pipelines/tiny-sd/vae`, { backend });
  const options = { token: needs.token, cacheDir, backend, vae };
  await using _pipe = await StableDiffusionPipeline.fromPretrained("someone/tiny-sd", options);
  expect(hub.downloaded()).toContain("unet/config.json");
  expect(hub.downloaded().filter((path) => path.startsWith("vae/"))).toEqual([]);
});

it("a runner downloads its own folder only", async () => {
  const options = { subfolder: "vae", token: needs.token, cacheDir, backend };
  await using _vae = await AutoencoderKL.fromPretrained("someone/tiny-sd", options);
  expect(hub.downloaded()).toEqual(["vae/config.json", "vae/diffusion_pytorch_model.safetensors"]);
});

it("a gated model says what to do", async () => {
  const failure = StableDiffusionPipeline.fromPretrained("someone/tiny-sd", { cacheDir, backend });
  await expect(failure).rejects.toMatchObject({ code: "download-failed", message: expect.stringContaining("token") });
});
