import { tensor, torchRandom, zeros } from "@latentkit/core";
import { UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import type { GenerateOptions } from "./generate-options.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
});
afterAll(() => pipe.dispose());

const embeds = zeros([1, 77, 32]);
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

/** A tensor of zeros with one other value. */
function spoiled(shape: readonly number[], value: number) {
  const result = zeros(shape);
  result.data[1] = value;
  return result;
}

type Kind = typeof TypeError | typeof RangeError;
const wrong: [string, GenerateOptions, Kind, string][] = [
  ["height", { height: 60 }, RangeError, "height: expected a positive multiple of 8 pixels, got 60"],
  ["height", { height: 0 }, RangeError, "height: expected a positive multiple of 8 pixels, got 0"],
  ["height", { height: infinity }, RangeError, "height: expected a positive multiple of 8 pixels, got Infinity"],
  ["width", { width: -64 }, RangeError, "width: expected a positive multiple of 8 pixels, got -64"],
  ["width", { width: nan }, RangeError, "width: expected a positive multiple of 8 pixels, got NaN"],
  [
    "numInferenceSteps",
    { numInferenceSteps: 0 },
    RangeError,
    "numInferenceSteps: expected an integer from 1 to 1000, got 0",
  ],
  [
    "numInferenceSteps",
    { numInferenceSteps: -1 },
    RangeError,
    "numInferenceSteps: expected an integer from 1 to 1000, got -1",
  ],
  [
    "numInferenceSteps",
    { numInferenceSteps: 1.5 },
    RangeError,
    "numInferenceSteps: expected an integer from 1 to 1000, got 1.5",
  ],
  [
    "numInferenceSteps",
    { numInferenceSteps: nan },
    RangeError,
    "numInferenceSteps: expected an integer from 1 to 1000, got NaN",
  ],
  [
    "numInferenceSteps",
    { numInferenceSteps: 1001 },
    RangeError,
    "numInferenceSteps: expected an integer from 1 to 1000, got 1001",
  ],
  ["guidanceScale", { guidanceScale: nan }, RangeError, "guidanceScale: expected a finite number, got NaN"],
  ["guidanceScale", { guidanceScale: infinity }, RangeError, "guidanceScale: expected a finite number, got Infinity"],
  ["guidanceRescale", { guidanceRescale: 2 }, RangeError, "guidanceRescale: expected 0 to 1, got 2"],
  ["guidanceRescale", { guidanceRescale: nan }, RangeError, "guidanceRescale: expected 0 to 1, got NaN"],
  [
    "numImagesPerPrompt",
    { numImagesPerPrompt: 0 },
    RangeError,
    "numImagesPerPrompt: expected a positive integer, got 0",
  ],
  ["eta", { eta: -1 }, RangeError, "eta: expected 0 to 1, got -1"],
  ["clipSkip", { clipSkip: 3 }, RangeError, "clipSkip: expected an integer from 0 to 2, got 3"],
  ["clipSkip", { clipSkip: nan }, RangeError, "clipSkip: expected an integer from 0 to 2, got NaN"],
  ["seed", { seed: [1, 2, 3] }, RangeError, "seed: expected 1 seeds, one per image, got 3"],
  ["seed", { seed: [] }, RangeError, "seed: expected 1 seeds, one per image, got 0"],
  ["seed", { seed: 0.5 }, RangeError, "seed: expected an integer, a bigint or a saved state, got 0.5"],
  ["seed", { seed: nan }, RangeError, "seed: expected an integer"],
  ["seed and random", { seed: 1, random: torchRandom(1) }, TypeError, "seed: expected nothing beside random"],
  ["prompt", { prompt: [] }, RangeError, "prompt: expected at least one text, got none"],
  ["negativePrompt", { negativePrompt: ["a", "b"] }, RangeError, "negativePrompt: expected 1 or 1 texts, got 2"],
  ["latents", { latents: zeros([1, 4, 8, 9]) }, RangeError, "latents: expected shape [1, 4, 8, 8], got [1, 4, 8, 9]"],
  ["latents", { latents: spoiled([1, 4, 8, 8], nan) }, RangeError, "latents: expected finite numbers, got NaN"],
  [
    "latents",
    { latents: spoiled([1, 4, 8, 8], infinity) },
    RangeError,
    "latents: expected finite numbers, got Infinity",
  ],
  ["promptEmbeds and prompt", { promptEmbeds: embeds }, TypeError, "prompt: expected nothing beside promptEmbeds"],
  [
    "negativePromptEmbeds alone",
    { negativePromptEmbeds: embeds },
    TypeError,
    "negativePromptEmbeds: expected promptEmbeds beside them",
  ],
];

async function failure(options: GenerateOptions): Promise<unknown> {
  return pipe.generate(options).then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
}

describe("generate names the option that is wrong", () => {
  it.each(wrong)("%s: %j", async (_, options, Kind, message) => {
    const error = await failure({ prompt: "a red apple", numInferenceSteps: 2, ...options });
    expect(error).toBeInstanceOf(Kind);
    expect(String(error)).toContain(message);
  });

  const embedded: [string, GenerateOptions, Kind, string][] = [
    [
      "of another width",
      { promptEmbeds: zeros([1, 77, 48]) },
      RangeError,
      "promptEmbeds: expected shape [prompts, length, 32], got [1, 77, 48]",
    ],
    [
      "of two axes",
      { promptEmbeds: zeros([77, 32]) },
      RangeError,
      "promptEmbeds: expected shape [prompts, length, 32], got [77, 32]",
    ],
    [
      "of no prompt",
      { promptEmbeds: zeros([0, 77, 32]) },
      RangeError,
      "promptEmbeds: expected no empty axis, got [0, 77, 32]",
    ],
    [
      "with NaN",
      { promptEmbeds: spoiled([1, 77, 32], nan) },
      RangeError,
      "promptEmbeds: expected finite numbers, got NaN",
    ],
    [
      "of another length than their negatives",
      { promptEmbeds: embeds, negativePromptEmbeds: zeros([1, 7, 32]) },
      RangeError,
      "negativePromptEmbeds: expected shape [1, 77, 32], got [1, 7, 32]",
    ],
    [
      "of another length than encoded negatives",
      { promptEmbeds: zeros([1, 7, 32]) },
      RangeError,
      "negativePromptEmbeds: expected shape [1, 7, 32], got [1, 77, 32]",
    ],
    [
      "beside two kinds of negatives",
      { promptEmbeds: embeds, negativePromptEmbeds: embeds, negativePrompt: "a" },
      TypeError,
      "negativePrompt: expected nothing beside negativePromptEmbeds",
    ],
  ];
  it.each(embedded)("promptEmbeds %s", async (_, options, Kind, message) => {
    const error = await failure({ numInferenceSteps: 2, ...options });
    expect(error).toBeInstanceOf(Kind);
    expect(String(error)).toContain(message);
  });

  // what JavaScript lets pass
  const untyped: [string, unknown, Kind, string][] = [
    ["no prompt", {}, TypeError, "prompt: expected a text (or promptEmbeds)"],
    ["no options", undefined, TypeError, "options: expected an object such as { prompt:"],
    ["a prompt in place of the options", "a red apple", TypeError, "options: expected an object such as { prompt:"],
    ["a prompt that is a number", { prompt: 7 }, TypeError, "prompt: expected a string or strings, got number"],
    ["a prompt that is null", { prompt: null }, TypeError, "prompt: expected a string or strings"],
    ["a prompt of numbers", { prompt: ["a", 7] }, TypeError, "prompt: expected a string or strings"],
    [
      "a negative prompt that is a number",
      { prompt: "a", negativePrompt: 7 },
      TypeError,
      "negativePrompt: expected a string or strings, got number",
    ],
    [
      "a size in text",
      { prompt: "a", height: "64" },
      RangeError,
      "height: expected a positive multiple of 8 pixels, got 64",
    ],
    [
      "steps in text",
      { prompt: "a", numInferenceSteps: "2" },
      TypeError,
      "numInferenceSteps: expected a number, got 2",
    ],
    ["a seed in text", { prompt: "a", seed: "42" }, RangeError, "seed: expected an integer"],
    ["latents in a list", { prompt: "a", latents: [1, 2] }, TypeError, "latents: expected a float32 tensor"],
    [
      "an output of another kind",
      { prompt: "a", outputType: "pil" },
      RangeError,
      "outputType: expected one of image, tensor, latent, got pil",
    ],
  ];
  it.each(untyped)("%s", async (_, options, Kind, message) => {
    const error = await failure(options as GenerateOptions);
    expect(error).toBeInstanceOf(Kind);
    expect(String(error)).toContain(message);
  });

  it("before anything runs, also in a stream", () => {
    expect(() => pipe.stream({ prompt: "a", height: 7 })).toThrow(RangeError);
    expect(() => pipe.stream({ prompt: "a", numInferenceSteps: 0 })).toThrow(RangeError);
    expect(() => pipe.stream({ prompt: "a", seed: [1, 2] })).toThrow(RangeError);
  });
});

describe("what is odd but no error", () => {
  const quick = { numInferenceSteps: 1, seed: 1 };

  it("an empty prompt gives a picture", async () => {
    const { images, warnings } = await pipe.generate({ ...quick, prompt: "" });
    expect(images.map(({ width, height }) => [width, height])).toEqual([[64, 64]]);
    expect(warnings).toEqual([]);
  });

  it("a long prompt is cut, and the part left out is told", async () => {
    const told: unknown[] = [];
    const long = `${"red apple ".repeat(60)}with a leaf`;
    const { images, warnings } = await pipe.generate({
      ...quick,
      prompt: long,
      onWarning: (warning) => told.push(warning),
    });
    expect(warnings).toEqual([
      { code: "prompt-truncated", message: expect.stringMatching(/longer than 77 tokens.*leaf/) },
    ]);
    expect(told).toEqual(warnings);
    const kept = await pipe.generate({ ...quick, prompt: `${long} and much else` });
    expect(kept.images[0]?.data).toEqual(images[0]?.data);
  });

  it("latents may be a view in another order of memory", async () => {
    const straight = torchRandom(7).normal([1, 4, 5, 8]);
    const turned = tensor(new Float32Array(160), [1, 4, 8, 5]).transpose(0, 1, 3, 2);
    for (let i = 0; i < 160; i++) turned.set(0, Math.floor(i / 40), Math.floor(i / 8) % 5, i % 8, straight.data[i]!);
    const run = { ...quick, prompt: "a", height: 40, width: 64, outputType: "latent" } as const;
    const [a, b] = [
      await pipe.generate({ ...run, latents: straight }),
      await pipe.generate({ ...run, latents: turned }),
    ];
    expect(b.latents.data).toEqual(a.latents.data);
  });
});

it("numbers that overflow on the way are an error, never a picture", async () => {
  const { unet, ...parts } = pipe.components;
  const broken = new UNet2DConditionModel(
    {
      inputs: [],
      outputs: [],
      run: async ({ sample }) => ({ out_sample: spoiled(sample?.shape ?? [], nan) }),
      dispose: async () => {},
    },
    unet.config,
  );
  const pipeline = new StableDiffusionPipeline({ ...parts, unet: broken });
  for (const outputType of ["image", "tensor", "latent"] as const) {
    await expect(pipeline.generate({ prompt: "a", numInferenceSteps: 2, seed: 1, outputType })).rejects.toMatchObject({
      name: "LatentKitError",
      code: "run-failed",
      message: expect.stringContaining("NaN"),
    });
  }
});
