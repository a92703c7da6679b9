import { readdirSync, readFileSync } from "node:fs";
import type { ModelFiles } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const root = `${fixtures}pipelines/tiny-sd/`;

/** The checkpoint with the weights of these folders under a variant's name. */
function checkpoint(variant: string, folders: readonly string[]): ModelFiles {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => /\.\w+$/.test(path));
  const renamed = (path: string) =>
    folders.some((folder) => path.startsWith(`${folder}/`))
      ? path.replace(".safetensors", `.${variant}.safetensors`)
      : path;
  return memoryFiles(Object.fromEntries(paths.map((path) => [renamed(path), readFileSync(root + path)])), "tiny");
}

const apple = { prompt: "a red apple", seed: 3, height: 40, width: 64, numInferenceSteps: 2 } as const;

it("opens a part by its plain weights where only another part has the variant, and says so", async () => {
  const warnings: string[] = [];
  const onWarning = ({ code, message }: { code: string; message: string }) => warnings.push(`${code}: ${message}`);
  const options = { backend, variant: "ema", onWarning };
  await using mixed = await StableDiffusionPipeline.fromPretrained(checkpoint("ema", ["unet"]), options);
  expect(warnings).toEqual(
    ["text_encoder", "vae"].map(
      (part) => `ignored-option: tiny: ${part} has no weights of variant "ema"; its plain ones are taken`,
    ),
  );
  await using plain = await StableDiffusionPipeline.fromPretrained(root, { backend });
  expect((await mixed.generate(apple)).latents).toEqual((await plain.generate(apple)).latents);
});

it("says nothing where every part has the variant, and refuses where none has", async () => {
  const warnings: unknown[] = [];
  const options = { backend, variant: "ema", onWarning: (warning: unknown) => warnings.push(warning) };
  const whole = checkpoint("ema", ["unet", "vae", "text_encoder"]);
  await (await StableDiffusionPipeline.fromPretrained(whole, options)).dispose();
  expect(warnings).toEqual([]);
  await expect(StableDiffusionPipeline.fromPretrained(checkpoint("fp16", ["unet"]), options)).rejects.toMatchObject({
    code: "file-not-found",
  });
});
