import { AutoencoderKL, tiled } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { DDPMPipeline } from "./ddpm-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const folder = `${fixtures}pipelines/tiny-sd`;
// the checkpoint's tiles are 64 pixels
const options = {
  prompt: "a cat",
  seed: 3,
  height: 104,
  width: 80,
  numInferenceSteps: 1,
  outputType: "tensor",
} as const;
const draw = async (load: object) => {
  await using pipe = await StableDiffusionPipeline.fromPretrained(folder, { backend, ...load });
  const { tensor, latents } = await pipe.generate(options);
  if (!tensor) throw new Error("no picture");
  return { tensor, latents };
};

it("decodes tile by tile where it is asked to", async () => {
  const { tensor, latents } = await draw({ vaeTiling: true });
  const vae = await AutoencoderKL.fromPretrained(`${folder}/vae`, { backend });
  expect(tensor).toEqual(await tiled(vae).decode(latents));
  expect(maxDifference(tensor, await vae.decode(latents))).toBeGreaterThan(1e-3);
  const large = { tileSize: 128 };
  expect((await draw({ vaeTiling: large })).tensor).toEqual(await vae.decode(latents));
  expect((await draw({ vaeTiling: false })).tensor).toEqual(await vae.decode(latents));
  expect((await draw({ vae: tiled(vae) })).tensor).toEqual(tensor);
  await vae.dispose();
});

it.each([
  [{ vaeTiling: 512 }, "vaeTiling: expected true, false or { tileSize, overlap }, got 512"],
  [{ vaeTiling: { tileSize: 30 } }, "tileSize: expected a positive multiple of 8 pixels, got 30"],
])("refuses %j by name", async (load, message) => {
  await expect(draw(load)).rejects.toThrow(message);
});

it("says where there is nothing that it could tile", async () => {
  await using vae = await AutoencoderKL.fromPretrained(`${folder}/vae`, { backend });
  await expect(draw({ vaeTiling: true, vae })).rejects.toThrow("expected nothing beside vae; pass vae: tiled(vae)");
  const ddpm = DDPMPipeline.fromPretrained(`${fixtures}pipelines/tiny-ddpm`, { backend, vaeTiling: true });
  await expect(ddpm).rejects.toThrow(new TypeError("vaeTiling: DDPMPipeline has no autoencoder"));
});
