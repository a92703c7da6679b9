import { tensor, zeros } from "@latentkit/core";
import { loadImage } from "@latentkit/images";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { encodePromptXL } from "./encode-prompt-xl.js";
import { type StableDiffusionXLOptions, StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

interface Case {
  readonly name: string;
  readonly pipeline: string;
  readonly prompts: readonly string[];
  readonly negative_prompt: string | null;
  readonly seed: number;
  readonly images: readonly string[];
  readonly measured_vs_double: { readonly latents_abs: number };
  readonly arguments: {
    readonly num_inference_steps: number;
    readonly guidance_scale: number;
    readonly height: number;
    readonly width: number;
    readonly original_size?: [number, number];
    readonly crops_coords_top_left?: [number, number];
    readonly target_size?: [number, number];
  };
}

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from the same folder, prompts and seeds; see fixtures/README.md.
const { cases: all } = goldenJson<{ cases: readonly Case[] }>("pipelines/runs/cases.json");
const cases = all.filter(({ pipeline }) => pipeline === "StableDiffusionXLPipeline");
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

let pipe: StableDiffusionXLPipeline;
beforeAll(async () => {
  pipe = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { backend });
});
afterAll(() => pipe.dispose());

const quick = { prompt: "a photo of a cat", seed: 1, height: 48, width: 64, numInferenceSteps: 2 } as const;

describe("the pictures of Diffusers, from prompt and seed", () => {
  it.each(cases)("$name", async (run) => {
    const tensors = goldenTensors(`pipelines/runs/${run.name}.safetensors`);
    const { arguments: given } = run;
    const worst: number[] = [];
    const { images, warnings } = await pipe.generate({
      prompt: run.prompts,
      ...(run.negative_prompt !== null && { negativePrompt: run.negative_prompt }),
      seed: run.seed,
      numInferenceSteps: given.num_inference_steps,
      guidanceScale: given.guidance_scale,
      height: given.height,
      width: given.width,
      ...(given.original_size && { originalSize: given.original_size }),
      ...(given.crops_coords_top_left && { cropsCoordsTopLeft: given.crops_coords_top_left }),
      ...(given.target_size && { targetSize: given.target_size }),
      onStep: ({ index, latents }) => void worst.push(maxDifference(latents, golden(tensors, `latents.step${index}`))),
    });
    expect(warnings).toEqual([]);
    // ten times what the reference itself differs from the same run in double precision, at least float32's own
    expect(Math.max(...worst)).toBeLessThan(Math.max(10 * run.measured_vs_double.latents_abs, 1e-4));
    for (const [i, name] of run.images.entries()) {
      const reference = await loadImage(`${fixtures}pipelines/runs/${name}`);
      expect(
        Math.max(...images[i]!.data.map((value, at) => Math.abs(value - reference.data[at]!))),
      ).toBeLessThanOrEqual(1);
    }
  });
});

describe("encodePromptXL", () => {
  it("gives what Diffusers gives, side by side and pooled", async () => {
    const tensors = goldenTensors("pipelines/runs/sdxl.safetensors");
    const { promptEmbeds, pooledPromptEmbeds } = await encodePromptXL(pipe.components, ["a photo of a cat"]);
    expect(maxDifference(promptEmbeds, golden(tensors, "prompt_embeds"))).toBeLessThan(2e-5);
    expect(maxDifference(pooledPromptEmbeds, golden(tensors, "pooled_prompt_embeds"))).toBeLessThan(2e-5);
  });

  it("leaves out layers, and reads another text with the second encoder", async () => {
    const { tokenizer, textEncoder, tokenizer2, textEncoder2 } = pipe.components;
    const { promptEmbeds } = await encodePromptXL(pipe.components, ["a cat"], { prompts2: ["a dog"], clipSkip: 1 });
    const first = await textEncoder!.outputs(tokenizer!.encode("a cat"));
    const second = await textEncoder2.outputs(tokenizer2.encode("a dog"));
    // three layers: the state before the last is 2, one less with clipSkip 1
    const row = (at: number) => [
      ...first.hiddenStates[1]!.data.subarray(at * 32, (at + 1) * 32),
      ...second.hiddenStates[1]!.data.subarray(at * 24, (at + 1) * 24),
    ];
    expect([...promptEmbeds.data.subarray(56, 112)]).toEqual(row(1));
    expect(promptEmbeds.shape).toEqual([1, 77, 56]);
    await expect(encodePromptXL(pipe.components, ["a"], { clipSkip: 3 })).rejects.toThrow(
      new RangeError("clipSkip: expected an integer from 0 to 2, got 3"),
    );
  });
});

describe("the text of a run", () => {
  const latents = async (options: StableDiffusionXLOptions) =>
    (await pipe.generate({ ...quick, outputType: "latent", ...options })).latents;

  it("reads prompt2 and negativePrompt2 with the second encoder", async () => {
    const plain = await latents({ negativePrompt: "blurry" });
    expect(await latents({ negativePrompt: "blurry", prompt2: quick.prompt, negativePrompt2: "blurry" })).toEqual(
      plain,
    );
    expect(await latents({ negativePrompt: "blurry", prompt2: "a dog" })).not.toEqual(plain);
    expect(await latents({ negativePrompt: "blurry", negativePrompt2: "a dog" })).not.toEqual(plain);
  });

  it("is zeros for a negative prompt that is not given, and the empty text for one that is empty", async () => {
    const zero = await latents({});
    const empty = await latents({ negativePrompt: "" });
    expect(empty).not.toEqual(zero);
    const { promptEmbeds, pooledPromptEmbeds } = await encodePromptXL(pipe.components, [quick.prompt]);
    const { prompt: _, ...rest } = quick;
    const embedded = await pipe.generate({
      ...rest,
      outputType: "latent",
      promptEmbeds,
      pooledPromptEmbeds,
      negativePromptEmbeds: zeros(promptEmbeds.shape),
      negativePooledPromptEmbeds: zeros(pooledPromptEmbeds.shape),
    });
    expect(embedded.latents).toEqual(zero);
    const unforced = new StableDiffusionXLPipeline({ ...pipe.components, forceZerosForEmptyPrompt: false });
    expect((await unforced.generate({ ...quick, outputType: "latent" })).latents).toEqual(empty);
  });

  it("of several prompts and pictures stays with its own", async () => {
    const prompt = ["a photo of a cat", "a red apple"];
    const run = { ...quick, prompt, negativePrompt: ["blurry", "dark"], numImagesPerPrompt: 2, seed: [1, 2, 3, 4] };
    const { latents: four } = await pipe.generate({ ...run, outputType: "latent" });
    for (const [i, seed] of run.seed.entries()) {
      const own = { prompt: prompt[i >> 1]!, negativePrompt: run.negativePrompt[i >> 1]!, seed };
      const alone = await latents(own);
      const part = tensor(four.data.slice(i * alone.size, (i + 1) * alone.size), alone.shape);
      expect(maxDifference(part, alone)).toBeLessThan(1e-4);
    }
  });

  it("tells of what has no effect", async () => {
    const codes = async (options: StableDiffusionXLOptions) =>
      (await pipe.generate({ ...quick, outputType: "latent", ...options })).warnings.map(({ message }) => message);
    expect(await codes({ guidanceScale: 0, negativePrompt: "blurry" })).toEqual([
      expect.stringContaining("negativePrompt is not used"),
    ]);
    expect(await codes({ negativePrompt2: "blurry" })).toEqual([
      expect.stringContaining("negativePrompt2 is not used"),
    ]);
    expect(await codes({ negativeOriginalSize: [8, 8] })).toEqual([
      expect.stringContaining("give both negativeOriginalSize and negativeTargetSize"),
    ]);
    const long = "red apple ".repeat(60);
    expect(await codes({ prompt: long, negativePrompt: "" })).toHaveLength(2);
  });
});

describe("generate names the option that is wrong", () => {
  const embeds = zeros([1, 77, 56]);
  const pooled = zeros([1, 20]);
  const wrong: [StableDiffusionXLOptions | Record<string, unknown>, Error][] = [
    [{ prompt2: ["a", "b"] }, new RangeError("prompt2: expected 1 or 1 texts, got 2")],
    [{ prompt2: 7 }, new TypeError("prompt2: expected a string or strings, got number")],
    [{ negativePrompt2: ["a", "b"] }, new RangeError("negativePrompt2: expected 1 or 1 texts, got 2")],
    [{ pooledPromptEmbeds: pooled }, new TypeError("pooledPromptEmbeds: expected promptEmbeds beside them")],
    [
      { prompt: undefined, promptEmbeds: embeds },
      new TypeError("promptEmbeds: expected pooledPromptEmbeds beside them, of the same encoding"),
    ],
    [
      { prompt: undefined, promptEmbeds: embeds, pooledPromptEmbeds: zeros([1, 21]) },
      new RangeError("pooledPromptEmbeds: expected shape [1, 20], got [1, 21]"),
    ],
    [
      { prompt: undefined, promptEmbeds: embeds, pooledPromptEmbeds: pooled, prompt2: "a" },
      new TypeError("prompt2: expected nothing beside promptEmbeds"),
    ],
    [{ originalSize: [64] }, new TypeError("originalSize: expected two numbers, [height, width], got [64]")],
    [{ cropsCoordsTopLeft: 4 }, new TypeError("cropsCoordsTopLeft: expected two numbers, [top, left], got 4")],
    [{ targetSize: [64, Number.NaN] }, new RangeError("targetSize: expected a finite number, got NaN")],
    [{ denoisingEnd: 0 }, new RangeError("denoisingEnd: expected a number above 0 and up to 1, got 0")],
    [{ denoisingEnd: 1.5 }, new RangeError("denoisingEnd: expected a number above 0 and up to 1, got 1.5")],
    [{ denoisingEnd: 0.01 }, new RangeError("numInferenceSteps: 2 leave no step for denoisingEnd 0.01; expected more")],
  ];
  it.each(wrong)("%j", (options, error) => {
    expect(() => pipe.stream({ ...quick, ...options })).toThrow(error);
  });
});
