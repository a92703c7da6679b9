import { concat, slice, tensor, torchRandom, zeros } from "@latentkit/core";
import { RgbaImage } from "@latentkit/images";
import { UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDPMScheduler } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedNetwork } from "../../../tests/changed-network.js";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { sharpPicture } from "../../../tests/sharp-picture.js";
import { LatentConsistencyModelImg2ImgPipeline } from "./latent-consistency-model-img2img-pipeline.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionInstructPix2PixPipeline } from "./stable-diffusion-instruct-pix2pix-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionUpscalePipeline } from "./stable-diffusion-upscale-pipeline.js";
import { StableDiffusionXLInpaintPipeline } from "./stable-diffusion-xl-inpaint-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";
import { textAndImage } from "./text-and-image.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const folder = `${fixtures}pipelines/`;
const image = new RgbaImage(sharpPicture(45, 37));
const quick = { prompt: "a photo of a cat", seed: 3, numInferenceSteps: 4, outputType: "latent" } as const;
const lowResScheduler = new DDPMScheduler();
const noPicture = new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none");

let base: StableDiffusionPipeline;
const opened: UNet2DConditionModel[] = [];
beforeAll(async () => {
  base = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
});
afterAll(async () => {
  await base.dispose();
  for (const unet of opened) await unet.dispose();
});

async function network(name: string): Promise<UNet2DConditionModel> {
  const unet = await UNet2DConditionModel.fromPretrained(`${folder}${name}`, { backend });
  opened.push(unet);
  return unet;
}

/** The network for inpainting with the first of its channels only. */
async function networkOf(channels: number, config: Record<string, unknown> = {}): Promise<UNet2DConditionModel> {
  const files = changedNetwork("pipelines/tiny-inpaint-unet", {
    config: { in_channels: channels, ...config },
    tensors(have) {
      const { data } = have("conv_in.weight");
      const rows = Array.from({ length: 8 }, (_, i) => slice(tensor(data, [72, 9]), 9 * i, 9 * i + channels));
      const weight = tensor(concat(rows).data, [8, channels, 3, 3]);
      return {
        "conv_in.weight": weight,
        ...(config.num_class_embeds !== undefined && { "class_embedding.weight": torchRandom(3).normal([40, 32]) }),
      };
    },
  });
  const unet = await UNet2DConditionModel.fromPretrained(files, { backend });
  opened.push(unet);
  return unet;
}

describe("StableDiffusionImg2ImgPipeline", () => {
  it("takes any picture and its latents, at its size or the one asked for", async () => {
    const pipe = StableDiffusionImg2ImgPipeline.fromPipe(base);
    const { latents } = await pipe.generate({ ...quick, image });
    expect(latents.shape).toEqual([1, 4, 4, 5]);
    const png = await image.toPng();
    for (const same of [png, new Blob([new Uint8Array(png)]), image.toImageData(), { ...image }])
      expect((await pipe.generate({ ...quick, image: same })).latents).toEqual(latents);
    expect((await pipe.generate({ ...quick, image: latents, strength: 0.5 })).latents.shape).toEqual([1, 4, 4, 5]);
    expect((await pipe.generate({ ...quick, image, height: 48, width: 16 })).latents.shape).toEqual([1, 4, 6, 2]);
    const pixel = new RgbaImage({ width: 1, height: 1, data: new Uint8Array(4) });
    expect((await pipe.generate({ ...quick, image: pixel, height: 16, width: 24 })).latents.shape).toEqual([
      1, 4, 2, 3,
    ]);
    await expect(pipe.generate({ ...quick, image: pixel })).rejects.toThrow(
      new RangeError("image: expected at least 8 pixels a side, got 1x1; give height and width to enlarge it"),
    );
  });

  it("names the option that is wrong", () => {
    const pipe = StableDiffusionImg2ImgPipeline.fromPipe(base);
    expect(() => pipe.stream(quick)).toThrow(noPicture);
    for (const strength of [0, -0.1, 1.01, Number.NaN])
      expect(() => pipe.stream({ ...quick, image, strength })).toThrow(
        new RangeError(`strength: expected a number above 0 and up to 1, got ${strength}`),
      );
    expect(() => pipe.stream({ ...quick, image, numInferenceSteps: 1, strength: 0.2 })).toThrow(
      new RangeError("numInferenceSteps: 1 leave no step for strength 0.2; expected more"),
    );
    expect(() => pipe.stream({ ...quick, image: [image, image, image], numImagesPerPrompt: 2 })).toThrow(
      new RangeError("image: expected 1 picture or as many as divide the 2 of this run, got 3"),
    );
  });
});

describe("LatentConsistencyModelImg2ImgPipeline", () => {
  it("makes all of its steps whatever the strength", async () => {
    const pipe = LatentConsistencyModelImg2ImgPipeline.fromPipe(
      { components: { ...base.components, unet: await network("tiny-lcm-unet") } },
      { scheduler: (await import("@latentkit/schedulers")).schedulerFromConfig({ _class_name: "LCMScheduler" }) },
    );
    const timesteps: number[] = [];
    await pipe.generate({ ...quick, image, strength: 0.3, onStep: (step) => void timesteps.push(step.timestep) });
    expect(timesteps).toHaveLength(4);
    expect(timesteps[0]).toBeLessThan(300);
    expect(() => pipe.stream({ ...quick, image, strength: 2 })).toThrow("strength: expected a number above 0");
  });

  it("is refused a network that is not distilled", () => {
    expect(() => LatentConsistencyModelImg2ImgPipeline.fromPipe(base)).toThrow(
      "(time_cond_proj_dim); use StableDiffusionImg2ImgPipeline with an LCMScheduler",
    );
  });
});

describe("StableDiffusionInstructPix2PixPipeline", () => {
  it("follows text and picture by scales of their own", async () => {
    const pipe = StableDiffusionInstructPix2PixPipeline.fromPipe(base, { unet: await networkOf(8) });
    const run = { ...quick, image, numInferenceSteps: 2 };
    const { latents } = await pipe.generate(run);
    expect(latents.shape).toEqual([1, 4, 4, 5]);
    const closer = await pipe.generate({ ...run, imageGuidanceScale: 3 });
    expect(maxDifference(closer.latents, latents)).toBeGreaterThan(0.1);
    const guidance = textAndImage(7.5, 1.5);
    expect((await pipe.generate({ ...run, guidance })).latents).toEqual(latents);
    const scale = (imageGuidanceScale: number) => () => pipe.stream({ ...run, imageGuidanceScale });
    expect(scale(0.5)).toThrow(new RangeError("imageGuidanceScale: expected 1 or more, got 0.5"));
    expect(scale(Number.NaN)).toThrow(new RangeError("imageGuidanceScale: expected a finite number, got NaN"));
    expect(() => pipe.stream(quick)).toThrow(noPicture);
    await expect(pipe.generate({ ...run, latents: zeros([1, 4, 5, 5]) })).rejects.toThrow(
      new RangeError("latents: expected shape [1, 4, 4, 5], got [1, 4, 5, 5]"),
    );
  });
});

describe("StableDiffusionUpscalePipeline", () => {
  it("makes latents of the picture's size", async () => {
    const unet = await networkOf(7, { num_class_embeds: 40 });
    const pipe = StableDiffusionUpscalePipeline.fromPipe(base, { unet, lowResScheduler, maxNoiseLevel: 39 });
    const run = { ...quick, image: new RgbaImage(sharpPicture(18, 10)), numInferenceSteps: 2 };
    const { latents } = await pipe.generate(run);
    expect(latents.shape).toEqual([1, 4, 8, 16]);
    const noisier = await pipe.generate({ ...run, noiseLevel: 39 });
    expect(maxDifference(noisier.latents, latents)).toBeGreaterThan(0.01);
    for (const noiseLevel of [-1, 40, 2.5])
      expect(() => pipe.stream({ ...run, noiseLevel })).toThrow(
        new RangeError(`noiseLevel: expected an integer from 0 to 39, got ${noiseLevel}`),
      );
    expect(() => pipe.stream(quick)).toThrow(noPicture);
    expect(() => pipe.stream({ ...quick, image: zeros([1, 4, 8, 8]) })).toThrow(
      new RangeError("image: expected shape [images, 3, height, width], got [1, 4, 8, 8]"),
    );
  });
});

describe("a network of another family is refused, with the pipeline that it is for", () => {
  it.each([
    [
      "text to image by a network for inpainting",
      () => network("tiny-inpaint-unet"),
      StableDiffusionImg2ImgPipeline,
      "channels of latents: the unet takes 9, the vae gives 4; such a UNet is for StableDiffusionInpaintPipeline",
    ],
    [
      "inpainting by a network for instructions",
      () => networkOf(8),
      StableDiffusionInpaintPipeline,
      "channels: the unet takes 8, the pipeline gives 4 or 9; such a UNet is for StableDiffusionInstructPix2PixPipeline",
    ],
    [
      "inpainting by a network for depth",
      () => networkOf(5),
      StableDiffusionInpaintPipeline,
      "such a UNet is for StableDiffusionDepth2ImgPipeline, which is not supported",
    ],
    [
      "instructions to a network for text alone",
      () => network("tiny-sd/unet"),
      StableDiffusionInstructPix2PixPipeline,
      "channels: the unet takes 4, the pipeline gives 8; such a UNet is for StableDiffusionPipeline",
    ],
    [
      "upscaling by a network for inpainting",
      () => network("tiny-inpaint-unet"),
      StableDiffusionUpscalePipeline,
      "channels: the unet takes 9, the pipeline gives 7; such a UNet is for StableDiffusionInpaintPipeline",
    ],
  ] as const)("%s", async (_, open, pipeline, message) => {
    const components = { ...base.components, unet: await open(), lowResScheduler };
    expect(() => pipeline.fromPipe({ components })).toThrow(message);
  });

  it("SDXL by Stable Diffusion's parts", async () => {
    const xl = await StableDiffusionXLPipeline.fromPretrained(`${folder}tiny-sdxl`, { backend });
    const unet = await network("tiny-inpaint-unet");
    expect(() => StableDiffusionXLInpaintPipeline.fromPipe(xl, { unet })).toThrow("StableDiffusionInpaintPipeline");
    expect(() => StableDiffusionXLInpaintPipeline.fromPipe(base)).toThrow(
      "pipe: StableDiffusionXLInpaintPipeline needs tokenizer2",
    );
    await xl.dispose();
  });

  it("no scheduler for the small picture", () => {
    expect(() => StableDiffusionUpscalePipeline.fromPipe(base)).toThrow(
      new TypeError(
        "pipe: StableDiffusionUpscalePipeline needs lowResScheduler, which the pipeline does not have; give it in the second argument",
      ),
    );
  });
});
