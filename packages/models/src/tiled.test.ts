import { torchRandom, zeros } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtures, golden, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { AutoencoderKL } from "./autoencoder-kl.js";
import { AutoencoderTiny } from "./autoencoder-tiny.js";
import { affine, type LatentCodec } from "./latent-codec.js";
import { type TilingOptions, tiled } from "./tiled.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const open = () => AutoencoderKL.fromPretrained(`${fixtures}pipelines/tiny-sd/vae`, { backend });

// Made by the code of Diffusers' AutoencoderKL.tiled_decode and _tiled_encode on torch 1.13; see fixtures/README.md.
const tensors = goldenTensors("models/vae_tiled.golden.safetensors");
/** What the checkpoint's configuration leaves out, and Diffusers takes. */
const SCALING = 0.18215;

describe("tiles as Diffusers cuts and blends them", () => {
  it.each([
    ["tall", {}],
    ["flat", {}],
    ["half", { tileSize: 32, overlap: 0.5 }],
  ] as [string, TilingOptions][])("%s latents are decoded", async (name, options) => {
    await using vae = await open();
    const latents = affine(golden(tensors, `${name}.latents`), SCALING, 0);
    const image = await tiled(vae, options).decode(latents);
    expect(maxDifference(image, golden(tensors, `${name}.image`))).toBeLessThan(4e-5);
    // the whole is something else
    expect(maxDifference(image, await vae.decode(latents))).toBeGreaterThan(1e-3);
  });

  it("pictures are encoded, and latents drawn from the blended distribution", async () => {
    await using vae = await open();
    const [picture, mean, logvar] = ["picture", "mean", "logvar"].map((name) => golden(tensors, `photo.${name}`));
    if (!picture || !mean || !logvar) throw new Error("no reference");
    const codec = tiled(vae);
    expect(maxDifference(await codec.encode(picture), affine(mean, SCALING, 0))).toBeLessThan(2e-5);
    const drawn = vae.distribution?.draw({ mean, logvar }, torchRandom(5));
    if (!drawn) throw new Error("no distribution");
    expect(maxDifference(await codec.encode(picture, torchRandom(5)), drawn)).toBeLessThan(2e-5);
  });
});

/** Counts what an autoencoder is asked for, and gives each latent as eight pixels of one value. */
function counting(): LatentCodec & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    latentChannels: 1,
    scaleFactor: 8,
    async decode(latents) {
      asked.push(`decode ${latents.shape}`);
      const [batch = 0, channels = 0, height = 0, width = 0] = latents.shape;
      const image = zeros([batch, channels, 8 * height, 8 * width]);
      image.data.forEach((_, i) => {
        const [row, column] = [Math.floor(i / (8 * width)), i % (8 * width)];
        image.data[i] = latents.data[Math.floor(row / 8) * width + Math.floor(column / 8)]!;
      });
      return image;
    },
    async encode(image) {
      asked.push(`encode ${image.shape}`);
      return zeros([image.shape[0] ?? 0, 1, (image.shape[2] ?? 0) / 8, (image.shape[3] ?? 0) / 8]);
    },
    dispose: async () => void asked.push("dispose"),
    release: async () => void asked.push("release"),
  };
}

describe("a tiled autoencoder", () => {
  it("leaves pictures of one tile whole, 512 pixels where the autoencoder does not say", async () => {
    const codec = counting();
    await tiled(codec).decode(zeros([2, 1, 64, 40]));
    await tiled(codec).encode(zeros([1, 3, 512, 320]));
    expect(codec.asked).toEqual(["decode 2,1,64,40", "encode 1,3,512,320"]);
  });

  it("cuts larger ones, with the last tiles as small as what is left", async () => {
    const codec = counting();
    await tiled(codec).decode(zeros([1, 1, 70, 64]));
    expect(codec.asked).toEqual(
      [64, 16].map((width) => `decode 1,1,64,${width}`).concat([64, 16].map((width) => `decode 1,1,22,${width}`)),
    );
  });

  it("changes nothing where a decoder sees no neighbours", async () => {
    const codec = counting();
    const latents = torchRandom(1).normal([1, 1, 21, 13]);
    for (const options of [
      { tileSize: 64 },
      { tileSize: 64, overlap: 0 },
      { tileSize: 40, overlap: 0.8 },
      { tileSize: 8 },
    ]) {
      const image = await tiled(codec, options).decode(latents);
      expect(maxDifference(image, await codec.decode(latents)), JSON.stringify(options)).toBeLessThan(1e-6);
    }
  });

  it("takes batches, and autoencoders without a distribution", async () => {
    await using vae = await AutoencoderTiny.fromPretrained(`${fixtures}models/vae_tiny`, { backend });
    const codec = tiled(vae, { tileSize: 64 });
    const latents = torchRandom(2).normal([2, 4, 10, 9]);
    const both = await codec.decode(latents);
    expect(both.shape).toEqual([2, 3, 80, 72]);
    const alone = await codec.decode(latents.hi(1, 4, 10, 9));
    expect(both.data.slice(0, both.data.length / 2)).toEqual(alone.data);
    expect((await codec.encode(both, torchRandom(1))).shape).toEqual([2, 4, 10, 9]);
  });

  it("releases and disposes what it stands for", async () => {
    const codec = counting();
    const large = tiled(codec);
    await large.release?.();
    await large.dispose();
    expect(codec.asked).toEqual(["release", "dispose"]);
  });

  it.each([
    [{ tileSize: 500 }, "tileSize: expected a positive multiple of 8 pixels, got 500"],
    [{ tileSize: 0 }, "tileSize: expected a positive multiple of 8 pixels, got 0"],
    [{ tileSize: Number.NaN }, "got NaN"],
    [{ overlap: 1 }, "overlap: expected 0 to below 1, got 1"],
    [{ overlap: -0.1 }, "got -0.1"],
  ])("refuses %j by name", (options, message) => {
    const refused = () => tiled(counting(), options);
    expect(refused).toThrow(RangeError);
    expect(refused).toThrow(message);
  });

  it("names what does not fit", async () => {
    const codec = tiled(counting());
    await expect(codec.decode(zeros([1, 4, 100, 100]))).rejects.toThrow("latents: expected shape [B, 1, H, W]");
    await expect(codec.encode(zeros([1, 3, 1001, 1000]))).rejects.toThrow("multiple of 8, got 1001");
  });
});
