import { torchRandom, zeros } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { EulerDiscreteScheduler } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import {
  type StableDiffusionXLImg2ImgOptions,
  StableDiffusionXLImg2ImgPipeline,
} from "./stable-diffusion-xl-img2img-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let base: StableDiffusionXLPipeline;
let pipe: StableDiffusionXLImg2ImgPipeline;
beforeAll(async () => {
  base = await StableDiffusionXLPipeline.fromPretrained(`${fixtures}pipelines/tiny-sdxl`, { backend });
  pipe = StableDiffusionXLImg2ImgPipeline.fromPipe(base);
}, 60_000);
afterAll(() => base.dispose());

const image = `${fixtures}pipelines/inputs/image.png`;
const quick = { prompt: "a photo of a cat", seed: 1, numInferenceSteps: 4, outputType: "latent" } as const;

describe("image to image", () => {
  it("takes the size of the picture, or the one asked for", async () => {
    expect((await pipe.generate({ ...quick, image, strength: 0.5 })).latents.shape).toEqual([1, 4, 8, 8]);
    const sized = await pipe.generate({ ...quick, image, strength: 0.5, height: 48, width: 80 });
    expect(sized.latents.shape).toEqual([1, 4, 6, 10]);
  });

  it("goes on where another run stopped, as if it were one", async () => {
    const size = { height: 48, width: 64 };
    const sizes = { originalSize: [48, 64], targetSize: [48, 64] } as const;
    const run = { ...quick, numInferenceSteps: 8, negativePrompt: "blurry" };
    const whole = await base.generate({ ...run, ...size, ...sizes });
    const first = await base.generate({ ...run, ...size, ...sizes, denoisingEnd: 0.5 });
    const rest = await pipe.generate({ ...run, ...sizes, image: first.latents, denoisingStart: 0.5 });
    expect(maxDifference(rest.latents, whole.latents)).toBeLessThan(1e-4);
  });

  it("visits the share of the steps that strength leaves", async () => {
    const scheduler = new EulerDiscreteScheduler();
    const other = new StableDiffusionXLImg2ImgPipeline({ ...pipe.components, scheduler });
    const steps: number[] = [];
    await other.generate({ ...quick, image, strength: 0.6, onStep: ({ index }) => void steps.push(index) });
    expect(steps).toEqual([0, 1]);
  });

  it("changes more with more strength", async () => {
    const latents = torchRandom(2).normal([1, 4, 6, 8]);
    const distance = async (strength: number) =>
      maxDifference((await pipe.generate({ ...quick, image: latents, strength })).latents, latents);
    const [little, much] = [await distance(0.25), await distance(1)];
    expect(little).toBeLessThan(much);
  });
});

describe("generate names the option that is wrong", () => {
  const pictures = zeros([3, 3, 16, 16]);
  const wrong: [StableDiffusionXLImg2ImgOptions, Error][] = [
    [{}, new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none")],
    [{ image, strength: 0 }, new RangeError("strength: expected a number above 0 and up to 1, got 0")],
    [{ image, strength: 1.1 }, new RangeError("strength: expected a number above 0 and up to 1, got 1.1")],
    [{ image, strength: 0.2 }, new RangeError("numInferenceSteps: 4 leave no step for strength 0.2; expected more")],
    [{ image, denoisingStart: 0 }, new RangeError("denoisingStart: expected a number above 0 and below 1, got 0")],
    [
      { image, denoisingStart: 0.5, denoisingEnd: 0.5 },
      new RangeError("denoisingStart: expected less than denoisingEnd, 0.5, got 0.5"),
    ],
    [{ image: pictures }, new RangeError("image: expected 1 picture or as many as divide the 1 of this run, got 3")],
    [
      { image: [image, image], numImagesPerPrompt: 3 },
      new RangeError("image: expected 1 picture or as many as divide the 3 of this run, got 2"),
    ],
    [{ image, height: 50 }, new RangeError("height: expected a positive multiple of 8 pixels, got 50")],
    [{ image, aestheticScore: Number.NaN }, new RangeError("aestheticScore: expected a finite number, got NaN")],
  ];
  it.each(wrong)("%j", (options, error) => {
    expect(() => pipe.stream({ ...quick, ...options })).toThrow(error);
  });
});
