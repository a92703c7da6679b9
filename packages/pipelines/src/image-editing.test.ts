import { torchRandom } from "@latentkit/core";
import { RgbaImage } from "@latentkit/images";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { modelUrl } from "@latentkit/tiny-emoji";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DDIMInversionPipeline } from "./ddim-inversion-pipeline.js";
import type { HiresFixOptions } from "./hires-fix.js";
import { resizeLatents } from "./resize-latents.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import type { Step } from "./step.js";

// the embedded model: what the pipelines are for, with pictures that mean something
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let pipe: StableDiffusionPipeline;
let apple: RgbaImage;
beforeAll(async () => {
  pipe = await StableDiffusionPipeline.fromPretrained(modelUrl, { backend });
  apple = (await pipe.generate({ ...prompt, seed: 42, numInferenceSteps: 12 })).images[0]!;
}, 60_000);
afterAll(() => pipe.dispose());

const prompt = { prompt: "red apple" };

/** Mean difference of two pictures, 0 to 255. */
function distance(a: RgbaImage, b: RgbaImage): number {
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / (a.data.length * 0.75);
}

describe("image to image", () => {
  it.each([
    ["green pear", 1],
    ["red apple", 2],
    ["cat face", 3],
  ])("moves away from the picture with its strength: %s", async (other, seed) => {
    const img2img = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
    const run = { prompt: other, image: apple, seed, numInferenceSteps: 10 };
    const distances: number[] = [];
    for (const strength of [0.3, 0.6, 1])
      distances.push(distance(apple, (await img2img.generate({ ...run, strength })).images[0]!));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(distances[2]).toBeGreaterThan(1.5 * distances[0]!);
  });
});

describe("inpainting", () => {
  it("takes an object out of a picture, and leaves the rest alone", async () => {
    // a red square of 22 pixels on the white beside the apple, which covers most of the picture
    const [left, top, side] = [20, 22, 22];
    const isInside = (x: number, y: number, more: number) =>
      x >= left - more && x < left + side + more && y >= top - more && y < top + side + more;
    const pixels = (colourAt: (x: number, y: number) => readonly number[]) =>
      new RgbaImage({
        width: 64,
        height: 64,
        data: Uint8Array.from(Array.from({ length: 64 * 64 }, (_, i) => colourAt(i % 64, Math.floor(i / 64))).flat()),
      });
    const image = pixels((x, y) => (isInside(x, y, 0) ? [220, 20, 30, 255] : [250, 250, 250, 255]));
    const maskImage = pixels((x, y) => (isInside(x, y, 4) ? [255, 255, 255, 255] : [0, 0, 0, 255]));
    const inpaint = StableDiffusionInpaintPipeline.fromPipe(pipe);
    const how = { numInferenceSteps: 12, guidanceScale: 3, seed: 4, overlay: true };
    const { images } = await inpaint.generate({ prompt: "white", negativePrompt: "red", image, maskImage, ...how });
    const found = images[0]!;
    for (let i = 0; i < 64 * 64; i++) {
      const [red = 0, green = 0, blue = 0] = found.data.subarray(4 * i, 4 * i + 3);
      if (!isInside(i % 64, Math.floor(i / 64), 4)) expect([red, green, blue]).toEqual([250, 250, 250]);
      // the square's red lies 190 above its green and blue
      else expect(red - Math.max(green, blue)).toBeLessThan(60);
    }
  });
});

describe("inpainting a scene", () => {
  it.each([
    ["red", [220, 20, 30], 1],
    ["green", [30, 180, 60], 2],
  ] as const)("takes a %s disc out of it", async (name, colour, seed) => {
    const prompt = "sunrise over mountains";
    const how = { numInferenceSteps: 12, guidanceScale: 3 };
    const scene = (await pipe.generate({ prompt, seed: 2, ...how })).images[0]!;
    const isInside = (i: number, radius: number) => Math.hypot((i % 64) - 32, Math.floor(i / 64) - 35) < radius;
    const coloured = (colourAt: (i: number) => readonly number[]) =>
      Uint8Array.from(Array.from({ length: 64 * 64 }, (_, i) => [...colourAt(i), 255]).flat());
    const image = {
      ...scene,
      data: coloured((i) => (isInside(i, 10) ? colour : [...scene.data.subarray(4 * i, 4 * i + 3)])),
    };
    const white = (i: number) => new Array<number>(3).fill(isInside(i, 14) ? 255 : 0);
    const maskImage = { width: 64, height: 64, data: coloured(white) };
    const inpaint = StableDiffusionInpaintPipeline.fromPipe(pipe);
    const run = { prompt, negativePrompt: name, image, maskImage, seed, overlay: true, ...how };
    const found = (await inpaint.generate(run)).images[0]!;
    for (let i = 0; i < 64 * 64; i++) {
      const [pixel, kept] = [found, image].map(({ data }) => data.subarray(4 * i, 4 * i + 3));
      if (!isInside(i, 14)) expect([...pixel!]).toEqual([...kept!]);
      else expect(Math.hypot(...colour.map((value, c) => value - pixel![c]!))).toBeGreaterThan(70);
    }
  });
});

describe("DDIM inversion", () => {
  it("comes closer to the picture with more steps", async () => {
    const inversion = DDIMInversionPipeline.fromPipe(pipe);
    const restored = async (numInferenceSteps: number, strength = 1) =>
      distance(apple, (await inversion.generate({ ...prompt, image: apple, numInferenceSteps, strength })).images[0]!);
    const distances = [await restored(4), await restored(10), await restored(25)];
    expect(distances).toEqual([...distances].sort((a, b) => b - a));
    expect(distances[2]).toBeLessThan(5);
    expect(await restored(10, 0.3)).toBeLessThan(distances[1]!);
  });

  it("makes noise on its way, and another picture of it with another prompt", async () => {
    const inversion = DDIMInversionPipeline.fromPipe(pipe);
    const steps: Step[] = [];
    const run = { ...prompt, image: apple, numInferenceSteps: 10 };
    const { images } = await inversion.generate({
      ...run,
      targetPrompt: "green apple",
      guidanceScale: 3,
      onStep: (step) => void steps.push(step),
    });
    expect(steps.map(({ index, total }) => [index, total])).toEqual(steps.map((_, i) => [i, 20]));
    const timesteps = steps.map(({ timestep }) => timestep);
    expect(timesteps.slice(10)).toEqual(timesteps.slice(0, 10).reverse());
    // unit noise, or near it
    const { data } = steps[9]!.latents;
    const deviation = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
    expect(deviation).toBeGreaterThan(0.5);
    expect(deviation).toBeLessThan(1.2);
    expect(distance(apple, images[0]!)).toBeGreaterThan(10);
    expect(() => inversion.stream({ ...run, targetPrompt: ["a", "b"] })).toThrow(
      new RangeError("targetPrompt: expected 1 or 1 texts, got 2"),
    );
  });
});

describe("hiresFix", () => {
  const run = { ...prompt, seed: 42, height: 64, width: 48, numInferenceSteps: 6 };

  it("draws in two passes, the second at a larger size", async () => {
    const steps: Step[] = [];
    const hiresFix = { scale: 1.5, strength: 0.5, steps: 8 };
    const { images, latents } = await pipe.generate({ ...run, hiresFix, onStep: (step) => void steps.push(step) });
    expect([images[0]?.width, images[0]?.height]).toEqual([72, 96]);
    expect(latents.shape).toEqual([1, 4, 24, 18]);
    expect(steps.map(({ index, total }) => [index, total])).toEqual(steps.map((_, i) => [i, 10]));
    expect(steps[5]?.latents.shape).toEqual([1, 4, 16, 12]);
    const alone = await pipe.generate({ ...run, outputType: "latent" });
    expect(steps[5]?.latents).toEqual(alone.latents);
    // the timestep begins again
    expect(steps[6]!.timestep).toBeGreaterThan(steps[5]!.timestep);
  });

  it("is image to image with the enlarged latents", async () => {
    const { seed: _, ...how } = run;
    const whole = await pipe.generate({ ...how, random: torchRandom(5), hiresFix: { scale: 2, strength: 0.6 } });
    const random = torchRandom(5);
    const { latents } = await pipe.generate({ ...how, random, outputType: "latent" });
    const image = resizeLatents(latents, { height: 32, width: 24 }, "bilinear");
    const second = { ...prompt, image, numInferenceSteps: 6, strength: 0.6, random };
    const composed = await StableDiffusionImg2ImgPipeline.fromPipe(pipe).generate(second);
    expect(composed.latents).toEqual(whole.latents);
  });

  it("enlarges latents or the picture", async () => {
    const results = [];
    for (const method of ["latent", "latent-nearest", "image"] as const) {
      const { images } = await pipe.generate({ ...run, hiresFix: { height: 96, width: 80, method, strength: 0.4 } });
      expect([images[0]?.width, images[0]?.height]).toEqual([80, 96]);
      results.push(images[0]!.data.join());
    }
    expect(new Set(results).size).toBe(3);
  });

  it("names the option that is wrong", () => {
    const wrong: [HiresFixOptions, Error][] = [
      [{ scale: 0.5 }, new RangeError("hiresFix.scale: expected 1 or more, got 0.5")],
      [{ scale: 2, height: 96 }, new TypeError("hiresFix.scale: expected nothing beside height and width")],
      [{ height: 90 }, new RangeError("height: expected a positive multiple of 8 pixels, got 90")],
      [{ strength: 1.2 }, new RangeError("strength: expected a number above 0 and up to 1, got 1.2")],
      [{ steps: 0 }, new RangeError("numInferenceSteps: expected an integer from 1 to 1000, got 0")],
    ];
    for (const [hiresFix, error] of wrong) expect(() => pipe.stream({ ...run, hiresFix })).toThrow(error);
    // @ts-expect-error: not options
    expect(() => pipe.stream({ ...run, hiresFix: 2 })).toThrow(
      new TypeError("hiresFix: expected an object such as { scale: 2 }, got 2"),
    );
    // @ts-expect-error: not a method
    expect(() => pipe.stream({ ...run, hiresFix: { method: "magic" } })).toThrow(
      new RangeError("hiresFix.method: expected one of latent, latent-nearest, image, got magic"),
    );
  });
});
