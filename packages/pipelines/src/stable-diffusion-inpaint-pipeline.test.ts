import { type Tensor, tensor, torchRandom, zeros } from "@latentkit/core";
import { RgbaImage, tensorFromImage } from "@latentkit/images";
import { UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { sharpPicture } from "../../../tests/sharp-picture.js";
import type { InpaintOptions } from "./inpaint-options.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const folder = `${fixtures}pipelines/`;
let base: StableDiffusionPipeline;
let inpaintUnet: UNet2DConditionModel;
let pipe: StableDiffusionInpaintPipeline;
let pipe9: StableDiffusionInpaintPipeline;
beforeAll(async () => {
  base = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
  inpaintUnet = await UNet2DConditionModel.fromPretrained(`${folder}tiny-inpaint-unet`, { backend });
  pipe = StableDiffusionInpaintPipeline.fromPipe(base);
  pipe9 = StableDiffusionInpaintPipeline.fromPipe(base, { unet: inpaintUnet });
});
afterAll(async () => {
  await base.dispose();
  await inpaintUnet.dispose();
});

const image = new RgbaImage(sharpPicture(45, 37));
/** White in a box that is no multiple of 8. */
const maskImage = maskOf(45, 37, (x, y) => (x >= 9 && x < 30 && y >= 5 && y < 31 ? 255 : 0));
const quick = { prompt: "a photo of a cat", seed: 3, numInferenceSteps: 3, guidanceScale: 2 } as const;

function maskOf(width: number, height: number, shadeAt: (x: number, y: number) => number): RgbaImage {
  const data = Uint8Array.from({ length: width * height * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : shadeAt((i >> 2) % width, Math.floor((i >> 2) / width)),
  );
  return new RgbaImage({ width, height, data });
}

/** Pixels that differ, inside the mask and outside. */
function changes(before: RgbaImage, after: RgbaImage, mask: RgbaImage): { inside: number; outside: number } {
  let [inside, outside] = [0, 0];
  for (let i = 0; i < before.data.length; i++) {
    if (i % 4 === 3 || before.data[i] === after.data[i]) continue;
    if (mask.data[(i >> 2) * 4]! > 0) inside++;
    else outside++;
  }
  return { inside, outside };
}

describe("inpainting", () => {
  it.each(["a network that sees the picture", "any other network"])(
    "by %s keeps what the mask keeps",
    async (which) => {
      const { generate } = which === "any other network" ? pipe : pipe9;
      const run = generate.bind(which === "any other network" ? pipe : pipe9);
      const { images } = await run({ ...quick, image, maskImage, overlay: true });
      expect([images[0]?.width, images[0]?.height]).toEqual([45, 37]);
      const { inside, outside } = changes(image, images[0]!, maskImage);
      expect(outside).toBe(0);
      expect(inside).toBeGreaterThan(1000);
      // without an overlay the picture has passed through the autoencoder, at multiples of 8
      const plain = await run({ ...quick, image, maskImage });
      expect([plain.images[0]?.width, plain.images[0]?.height]).toEqual([40, 32]);
    },
  );

  it("paints a part alone, and puts it where it was", async () => {
    const sizes: number[][] = [];
    const { images } = await pipe.generate({
      ...quick,
      image,
      maskImage,
      paddingMaskCrop: 3,
      height: 48,
      width: 64,
      onStep: ({ latents }) => void sizes.push(latents.shape),
    });
    expect(sizes[0]).toEqual([1, 4, 6, 8]);
    expect([images[0]?.width, images[0]?.height]).toEqual([45, 37]);
    expect(changes(image, images[0]!, maskImage).outside).toBe(0);
  });

  it("takes what is transparent for the mask", async () => {
    const erased = image.data.map((value, i) => (i % 4 === 3 ? 255 - maskImage.data[i - 3]! : value));
    const png = await new RgbaImage({ width: 45, height: 37, data: erased }).toPng();
    const run = { ...quick, outputType: "latent" } as const;
    const { latents } = await pipe.generate({ ...run, image: png });
    expect(latents).toEqual((await pipe.generate({ ...run, image, maskImage })).latents);
  });

  it("takes tensors as the same pictures and masks", async () => {
    const [small, mask] = [new RgbaImage(sharpPicture(40, 32)), maskOf(40, 32, (x) => (x > 20 ? 200 : 90))];
    const values = tensor(
      Float32Array.from({ length: 40 * 32 }, (_, i) => mask.data[4 * i]! / 255),
      [1, 1, 32, 40],
    );
    const run = { ...quick, outputType: "latent", strength: 0.7 } as const;
    const expected = await pipe9.generate({ ...run, image: small, maskImage: mask });
    const found = await pipe9.generate({ ...run, image: tensorFromImage(small), maskImage: values });
    expect(found.latents).toEqual(expected.latents);
  });

  it("gives a picture back where the mask is all black, without a step", async () => {
    const black = maskOf(45, 37, () => 0);
    const steps: number[] = [];
    const onStep = ({ index }: { index: number }) => void steps.push(index);
    for (const run of [pipe, pipe9]) {
      for (const how of [{}, { overlay: true }, { paddingMaskCrop: 4 }, { numImagesPerPrompt: 2 }]) {
        const { images, warnings } = await run.generate({ ...quick, ...how, image, maskImage: black, onStep });
        for (const found of images) expect([...found.data]).toEqual([...image.data]);
        expect(warnings.map(({ code }) => code)).toEqual(["ignored-option"]);
      }
    }
    const { tensor: pixels } = await pipe.generate({ ...quick, image, maskImage: black, outputType: "tensor" });
    expect(pixels?.shape).toEqual([1, 3, 32, 40]);
    expect(steps).toEqual([]);
  });

  it("paints everything where the mask is all white", async () => {
    const white = maskOf(45, 37, () => 255);
    const { latents } = await pipe.generate({ ...quick, image, maskImage: white, outputType: "latent" });
    const size = { height: 32, width: 40 };
    // the noise comes after the encoding of the picture
    const random = torchRandom(3);
    random.normal([1, 4, 4, 5]);
    const noise = random.normal([1, 4, 4, 5]);
    const plain = await base.generate({ ...quick, ...size, latents: noise, outputType: "latent" });
    expect(maxDifference(latents, plain.latents)).toBeLessThan(1e-5);
  });

  it("begins from latents that are given, and sees a masked picture that is given", async () => {
    const run = { ...quick, image, maskImage, outputType: "latent" } as const;
    const latents = torchRandom(8).normal([1, 4, 4, 5]);
    const states: Tensor[] = [];
    await pipe9.generate({ ...run, latents, onStep: (step) => void states.push(step.latents) });
    expect(states[0]).not.toEqual((await pipe9.generate(run)).latents);
    const maskedImageLatents = torchRandom(9).normal([1, 4, 4, 5]);
    const other = await pipe9.generate({ ...run, latents, maskedImageLatents });
    expect(other.latents).not.toEqual(states.at(-1));
    // a picture as latents, too
    const encoded = await pipe9.generate({
      ...run,
      image: zeros([1, 4, 4, 5]),
      maskImage: maskOf(40, 32, (x) => x * 6),
      maskedImageLatents,
    });
    expect(encoded.latents.shape).toEqual([1, 4, 4, 5]);
  });

  it("shows the kept picture in its previews", async () => {
    const pictures: RgbaImage[] = [];
    const onStep = async ({ preview }: { preview(options: { method: "vae" }): Promise<RgbaImage[]> }) => {
      pictures.push(...(await preview({ method: "vae" })));
    };
    await pipe.generate({ ...quick, numInferenceSteps: 2, image, maskImage, overlay: true, onStep });
    for (const found of pictures) expect(changes(image, found, maskImage).outside).toBe(0);
  });
});

describe("generate names the option that is wrong", () => {
  const wrong: [InpaintOptions, Error][] = [
    [
      { maskImage },
      new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none"),
    ],
    [{ image, maskImage, strength: 0 }, new RangeError("strength: expected a number above 0 and up to 1, got 0")],
    [{ image, maskImage: [] }, new RangeError("maskImage: expected at least one picture, got none")],
    [
      { image, maskImage: [maskImage, maskImage] },
      new RangeError("maskImage: expected 1 picture or as many as divide the 1 of this run, got 2"),
    ],
    [
      { image, maskImage: zeros([1, 3, 16, 16]) },
      new RangeError("maskImage: expected shape [images, 1, height, width], got [1, 3, 16, 16]"),
    ],
    [
      { image, maskImage, paddingMaskCrop: -1 },
      new RangeError("paddingMaskCrop: expected a number of pixels, 0 or more, got -1"),
    ],
    [
      { image, maskImage, paddingMaskCrop: 2, overlay: false },
      new TypeError("overlay: expected true beside paddingMaskCrop, got false"),
    ],
    [
      { image, maskImage, paddingMaskCrop: 2, outputType: "tensor" },
      new RangeError('outputType: expected "image" beside paddingMaskCrop, got "tensor"'),
    ],
    [
      { image: zeros([1, 3, 16, 16]), maskImage, overlay: true },
      new TypeError("image: expected a picture beside overlay, got a tensor"),
    ],
    [
      { image: [image, image], maskImage, paddingMaskCrop: 2, numImagesPerPrompt: 2 },
      new RangeError("image: expected one picture beside paddingMaskCrop, got 2"),
    ],
    [
      { image, maskImage, latents: zeros([1, 3, 4, 5]) },
      new RangeError("latents: expected shape [images, 4, height, width], got [1, 3, 4, 5]"),
    ],
    [{ image, maskImage, width: 50 }, new RangeError("width: expected a positive multiple of 8 pixels, got 50")],
  ];
  it.each(wrong)("%#", (options, error) => {
    expect(() => pipe.stream({ ...quick, ...options })).toThrow(error);
  });

  const found: [string, InpaintOptions, Error][] = [
    [
      "a mask of another size",
      { image, maskImage: maskOf(37, 45, () => 255) },
      new RangeError("maskImage: expected the image's size, 45x37, got 37x45"),
    ],
    [
      "no mask for an opaque picture",
      { image },
      new TypeError("maskImage: expected a mask, or an image that is transparent where it is to be painted, got none"),
    ],
    [
      "latents of another size",
      { image, maskImage, latents: zeros([1, 4, 5, 5]) },
      new RangeError("latents: expected shape [1, 4, 4, 5], got [1, 4, 5, 5]"),
    ],
    [
      "a masked picture of another size",
      { image, maskImage, maskedImageLatents: zeros([1, 4, 5, 5]) },
      new RangeError("maskedImageLatents: expected shape [images, 4, 4, 5], got [1, 4, 5, 5]"),
    ],
    [
      "a tensor of another size than asked for",
      { image: zeros([1, 3, 16, 24]), maskImage: maskOf(24, 16, () => 255), height: 24 },
      new RangeError("image: expected a tensor of 24x24 pixels, as asked for, got 24x16"),
    ],
    [
      "latents that cannot be masked",
      { image: zeros([1, 4, 4, 5]), maskImage: maskOf(40, 32, () => 255) },
      new RangeError("image: this network sees the picture; expected pixels, or maskedImageLatents beside latents"),
    ],
  ];
  it.each(found)("once it has read the pictures: %s", async (_, options, error) => {
    await expect(pipe9.generate({ ...quick, ...options })).rejects.toThrow(error);
  });

  it("and what is no picture at all", async () => {
    // @ts-expect-error: not a mask
    await expect(pipe.generate({ ...quick, image, maskImage: 7 })).rejects.toThrow("source: expected a path");
    const broken = pipe.generate({ ...quick, image, maskImage: new Uint8Array([137, 80, 78, 71, 1]) });
    await expect(broken).rejects.toMatchObject({ code: "invalid-image" });
  });
});
