import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { keepingBackend } from "../../../tests/keeping-backend.js";
import type { GenerateOptions } from "./generate-options.js";
import { interval } from "./interval.js";
import { perturbedAttention } from "./perturbed-attention.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const { backend, traffic } = keepingBackend(await onnxruntimeNode({ device: "cpu", worker: false }));
const pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, {
  backend: { ...backend, keepsValues: false },
});
afterAll(() => pipe.dispose());

const options = { seed: 1, height: 48, width: 64, numInferenceSteps: 5, outputType: "latent" } as const;

it.each([
  ["once for a picture", {}, 1],
  ["once without guidance", { guidanceScale: 1 }, 1],
  ["once for several pictures", { numImagesPerPrompt: 2 }, 1],
  ["once for a second pass", { hiresFix: { scale: 1.5, numInferenceSteps: 2 } }, 1],
  ["for each text, where they are predicted for in turn", { sequentialGuidance: true }, 2],
  ["again for the prompts alone", { guidance: interval(7.5, 0.2, 0.8) }, 2],
  ["by the whole network and its shallow part", { deepCache: { interval: 2 } }, 2],
  ["for what guidance adds", { guidance: perturbedAttention(3) }, 2],
] as [string, Partial<GenerateOptions>, number][])("the UNet is told the text %s", async (prompt, changed, times) => {
  traffic.texts = 0;
  await pipe.generate({ ...options, ...changed, prompt });
  expect(traffic.texts).toBe(times);
  await pipe.generate({ ...options, ...changed, prompt });
  expect(traffic.texts).toBe(times);
});
