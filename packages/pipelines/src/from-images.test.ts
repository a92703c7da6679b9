import { repeatInterleave, type Tensor, tensor, torchRandom } from "@latentkit/core";
import { cropImage, loadImage, RgbaImage, resizeImage } from "@latentkit/images";
import { KUNetModel, type LatentCodec, UNet2DConditionModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDPMScheduler, schedulerFromConfig, stableDiffusionConfig } from "@latentkit/schedulers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedNetwork } from "../../../tests/changed-network.js";
import { firstChannels, moreChannels } from "../../../tests/conv-channels.js";
import { drawnNetwork } from "../../../tests/drawn-network.js";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import type { ImageInput } from "./image-input.js";
import { LatentConsistencyModelImg2ImgPipeline } from "./latent-consistency-model-img2img-pipeline.js";
import type { GenerateResult } from "./pipeline.js";
import type { RunOptions } from "./run-options.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionInstructPix2PixPipeline } from "./stable-diffusion-instruct-pix2pix-pipeline.js";
import { StableDiffusionLatentUpscalePipeline } from "./stable-diffusion-latent-upscale-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionUpscalePipeline } from "./stable-diffusion-upscale-pipeline.js";
import { StableDiffusionXLInpaintPipeline } from "./stable-diffusion-xl-inpaint-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

interface Case {
  readonly name: string;
  readonly pipeline: string;
  readonly unet: string;
  readonly seed: number | readonly number[];
  /** As Diffusers takes them. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly scheduler: Record<string, unknown>;
  readonly timesteps: readonly number[];
  readonly inputs: { readonly image: readonly string[]; readonly mask?: readonly string[] };
  readonly pictures: number;
}

// Made by Diffusers' own pipelines; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly Case[] }>("pipelines/from-images/cases.json");
const reference = goldenTensors("pipelines/from-images/from-images.safetensors");
const folder = `${fixtures}pipelines/`;
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

/** Networks that the fixtures hold, or ones made of these as the reference's were. */
const networks: Record<string, () => Parameters<typeof UNet2DConditionModel.fromPretrained>[0]> = {
  pix2pix: () =>
    changedNetwork("pipelines/tiny-inpaint-unet", {
      config: { in_channels: 8 },
      tensors: (have) => ({ "conv_in.weight": firstChannels(have("conv_in.weight"), 8) }),
    }),
  upscale: () =>
    changedNetwork("pipelines/tiny-inpaint-unet", {
      config: { in_channels: 7, num_class_embeds: 40 },
      tensors: (have) => ({
        "conv_in.weight": firstChannels(have("conv_in.weight"), 7),
        "class_embedding.weight": torchRandom(3).normal([40, 32]),
      }),
    }),
  "xl inpaint": () =>
    changedNetwork("pipelines/tiny-sdxl/unet", {
      config: { in_channels: 9 },
      tensors: (have) => {
        const drawn = torchRandom(4).normal([8, 5, 3, 3]);
        const scaled = tensor(
          drawn.data.map((value) => Math.fround(0.2) * value),
          drawn.shape,
        );
        return { "conv_in.weight": moreChannels(have("conv_in.weight"), scaled) };
      },
    }),
};

let sd: StableDiffusionPipeline;
let xl: StableDiffusionXLPipeline;
beforeAll(async () => {
  sd = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
  xl = await StableDiffusionXLPipeline.fromPretrained(`${folder}tiny-sdxl`, { backend });
}, 60_000);
afterAll(async () => {
  await sd.dispose();
  await xl.dispose();
});

/** What the reference began from: pictures of 50×59 pixels, so that they have to be resized. */
async function picture(name: string): Promise<ImageInput> {
  if (name === "latents") return torchRandom(5).normal([1, 4, 8, 4]);
  const whole = await loadImage(`${folder}inputs/image.png`);
  const odd = cropImage(whole, { left: 3, top: 2, width: 50, height: 59 });
  if (name === "wide") return resizeImage(whole, { width: 64, height: 32 });
  if (name === "small") return resizeImage(odd, { width: 29, height: 17 });
  if (name === "mask") return softMask(12, 16, 37, 40);
  if (name === "other mask") return softMask(4, 30, 30, 55);
  return name === "flipped" ? flipped(odd) : odd;
}

function flipped({ width, height, data }: RgbaImage): RgbaImage {
  const pixels = new Uint8Array(data.length);
  for (let i = 0; i < width * height; i++) {
    const from = i - (i % width) + (width - 1 - (i % width));
    pixels.set(data.subarray(from * 4, from * 4 + 4), i * 4);
  }
  return new RgbaImage({ width, height, data: pixels });
}

/** White inside, a grey edge two pixels wide, black outside. */
function softMask(left: number, top: number, right: number, bottom: number): RgbaImage {
  const shades = Float32Array.from({ length: 50 * 59 }, (_, i) => {
    const [x, y] = [i % 50, Math.floor(i / 50)];
    const depth = Math.min(x - left, right - 1 - x, y - top, bottom - 1 - y);
    return Math.min(Math.max(255 + 85 * depth, 0), 255);
  });
  const rgba = repeatInterleave(tensor(shades, [shades.length]), 4).data.map((shade, i) => (i % 4 === 3 ? 255 : shade));
  return new RgbaImage({ width: 50, height: 59, data: Uint8Array.from(rgba) });
}

const camelCase = (key: string): string => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

async function unetOf(run: Case): Promise<UNet2DConditionModel> {
  const source = networks[run.unet]?.() ?? `${folder}${run.unet}`;
  return UNet2DConditionModel.fromPretrained(source, { backend });
}

/** The upscaler's autoencoder has a scale of its own, which Diffusers forces upon any. */
function rescaledCodec(vae: LatentCodec): LatentCodec {
  const factor = 0.18215 / 0.08333;
  return {
    latentChannels: vae.latentChannels,
    scaleFactor: vae.scaleFactor,
    encode: (image, random) => vae.encode(image, random),
    decode: (latents) =>
      vae.decode(
        tensor(
          latents.data.map((value) => value * factor),
          latents.shape,
        ),
      ),
    dispose: () => vae.dispose(),
  };
}

/** Runs a case's own pipeline with its network and sampler. */
async function generate(run: Case, options: RunOptions): Promise<GenerateResult> {
  const unet = run.unet === "k" ? sd.components.unet : await unetOf(run);
  const scheduler = schedulerFromConfig(
    run.pipeline.startsWith("LatentConsistency") ? run.scheduler : stableDiffusionConfig(run.scheduler),
  );
  const image = await Promise.all(run.inputs.image.map(picture));
  const maskImage = await Promise.all((run.inputs.mask ?? []).map(picture));
  const { negativePrompt, ...given } = { negativePrompt: "", ...options };
  const shared = { prompt: "a photo of a cat", image, ...given };
  const guided = { ...shared, negativePrompt };
  switch (run.pipeline) {
    case "StableDiffusionImg2ImgPipeline":
      return StableDiffusionImg2ImgPipeline.fromPipe(sd, { scheduler, unet }).generate(guided);
    case "LatentConsistencyModelImg2ImgPipeline":
      return LatentConsistencyModelImg2ImgPipeline.fromPipe(sd, { scheduler, unet }).generate(shared);
    case "StableDiffusionInpaintPipeline":
      return StableDiffusionInpaintPipeline.fromPipe(sd, { scheduler, unet }).generate({ ...guided, maskImage });
    case "StableDiffusionXLInpaintPipeline": {
      const pipe = StableDiffusionXLInpaintPipeline.fromPipe(xl, {
        scheduler: schedulerFromConfig(run.scheduler),
        unet,
      });
      return pipe.generate({ ...guided, maskImage });
    }
    case "StableDiffusionInstructPix2PixPipeline":
      return StableDiffusionInstructPix2PixPipeline.fromPipe(sd, { scheduler, unet }).generate(guided);
    case "StableDiffusionLatentUpscalePipeline": {
      const { tokenizer, textEncoder, vae } = sd.components;
      const network = await KUNetModel.fromPretrained(drawnNetwork("models/k_unet"), { backend });
      const parts = { tokenizer, textEncoder, vae, unet: network, scheduler: schedulerFromConfig(run.scheduler) };
      const pipe = new StableDiffusionLatentUpscalePipeline(parts);
      return pipe.generate({ ...shared, negativePrompt: "blurry" });
    }
    default: {
      const lowResScheduler = new DDPMScheduler({ betaSchedule: "scaled_linear", betaStart: 0.0001, betaEnd: 0.02 });
      const parts = { scheduler: schedulerFromConfig(run.scheduler), unet, lowResScheduler, maxNoiseLevel: 39 };
      const vae = rescaledCodec(sd.components.vae);
      return StableDiffusionUpscalePipeline.fromPipe(sd, { ...parts, vae }).generate(guided);
    }
  }
}

describe("the runs of Diffusers that begin from pictures", () => {
  it.each(cases)("$name", async (run) => {
    const given = Object.fromEntries(Object.entries(run.arguments).map(([key, value]) => [camelCase(key), value]));
    const timesteps: number[] = [];
    const states: Tensor[] = [];
    const { images } = await generate(run, {
      ...given,
      seed: run.seed,
      onStep: (step) => {
        timesteps.push(step.timestep);
        states.push(step.latents);
        expect([step.index, step.total]).toEqual([timesteps.length - 1, run.timesteps.length]);
      },
    });
    expect(timesteps.length).toBe(run.timesteps.length);
    for (const [i, timestep] of timesteps.entries()) expect(timestep).toBeCloseTo(run.timesteps[i]!, 3);
    for (const [i, latents] of states.entries()) {
      const name = `${run.name}.latents.step${i}`;
      if (!reference.has(name)) continue;
      const expected = golden(reference, name);
      // noisy latents of samplers that think in sigmas are large
      const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      expect(maxDifference(latents, expected), name).toBeLessThan(3e-5 * largest);
    }
    expect(images.length).toBe(run.pictures);
    for (const [i, image] of images.entries()) {
      const file = run.pictures > 1 ? `${run.name}_${i}` : run.name;
      const expected = await loadImage(`${folder}from-images/${file}.png`);
      expect([image.width, image.height]).toEqual([expected.width, expected.height]);
      const differences = expected.data.map((value, at) => Math.abs(value - (image.data[at] ?? Number.NaN)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    }
  });
});
