import { torchRandom, zeros } from "@latentkit/core";
import { imageFromTensor, type RgbaImage } from "@latentkit/images";
import { AutoencoderKL, AutoencoderTiny, type LatentCodec } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures } from "../../../tests/golden.js";
import { memoryFile } from "../../../tests/memory-files.js";
import { fitLatentMatrix, latentMatrix } from "./latent-matrix.js";
import { type LatentMatrix, latentPreview } from "./latent-preview.js";
import { previewLatents } from "./preview.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const tinySd = `${fixtures}pipelines/tiny-sd`;
const sizes = (images: readonly RgbaImage[]) => images.map(({ width, height }) => [width, height]);

/** A codec that decodes by a linear map: factor 2, three channels. */
function linearCodec(matrix: LatentMatrix): LatentCodec & { decoded: number } {
  const codec = {
    decoded: 0,
    latentChannels: 3,
    scaleFactor: 2,
    encode: () => Promise.reject(new Error("not asked for")),
    async decode(latents: Parameters<LatentCodec["decode"]>[0]) {
      codec.decoded++;
      const [images = 0, , height = 0, width = 0] = latents.shape;
      const out = zeros([images, 3, 2 * height, 2 * width]);
      for (let i = 0; i < out.data.length; i++) {
        const x = Math.floor((i % (2 * width)) / 2);
        const y = Math.floor((Math.floor(i / (2 * width)) % (2 * height)) / 2);
        const colour = Math.floor(i / (4 * width * height)) % 3;
        const image = Math.floor(i / (12 * width * height));
        const terms = [0, 1, 2].map((c) => latents.get(image, c, y, x) * (matrix[c]?.[colour] ?? 0));
        out.data[i] = terms.reduce((a, b) => a + b, matrix[3]?.[colour] ?? 0);
      }
      return out;
    },
    dispose: async () => {},
  };
  return codec;
}

const matrix: LatentMatrix = [
  [0.3, -0.1, 0.2],
  [0.1, 0.25, -0.2],
  [-0.2, 0.05, 0.15],
  [0.05, -0.1, 0.1],
];

describe("latentPreview", () => {
  const latents = torchRandom(1).normal([2, 3, 5, 7]);

  it("is a linear map, at the latents' size", async () => {
    const images = latentPreview(latents, matrix);
    expect(sizes(images)).toEqual([
      [7, 5],
      [7, 5],
    ]);
    // the codec repeats each latent's colour in a square of two
    expect(latentPreview(latents, matrix, { scale: 2 })).toEqual(
      imageFromTensor(await linearCodec(matrix).decode(latents)),
    );
  });

  it("begins from grey without a constant row", () => {
    const [image] = latentPreview(zeros([1, 3, 1, 2]), matrix.slice(0, 3));
    expect([...(image?.data ?? [])]).toEqual([128, 128, 128, 255, 128, 128, 128, 255]);
  });

  it.each([
    [() => latentPreview(latents, matrix.slice(2)), "matrix: expected 3 rows, or 4 with a constant, got 2"],
    [() => latentPreview(latents, matrix, { scale: 1.5 }), "scale: expected a positive integer, got 1.5"],
    [
      () => latentPreview(zeros([3, 5, 7]), matrix),
      "latents: expected shape [images, channels, height, width], got [3, 5, 7]",
    ],
  ])("refuses what does not fit", (run, message) => {
    expect(run).toThrow(new RangeError(message));
  });

  it("takes less than 2 ms for 64x64 latents", () => {
    const large = torchRandom(1).normal([1, 3, 64, 64]);
    const times = Array.from({ length: 50 }, () => {
      const start = performance.now();
      latentPreview(large, matrix);
      return performance.now() - start;
    });
    // the best of many: the machine has other things to do
    expect(Math.min(...times)).toBeLessThan(2);
  });
});

describe("the matrix of an autoencoder", () => {
  it("is found again when the autoencoder is linear", async () => {
    const fitted = await fitLatentMatrix(linearCodec(matrix));
    fitted.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(value).toBeCloseTo(matrix[i]?.[j] ?? 0, 5);
      });
    });
  });

  it("is fitted once", async () => {
    const codec = linearCodec(matrix);
    const [first, second] = await Promise.all([latentMatrix(codec), latentMatrix(codec)]);
    expect(second).toBe(first);
    expect(codec.decoded).toBe(1);
  });

  it("is the published one for the latents of Stable Diffusion", async () => {
    await using vae = await AutoencoderKL.fromPretrained(`${tinySd}/vae`, { backend });
    expect((await latentMatrix(vae))[3]).toEqual([-0.212, -0.2616, -0.7177]);
    await using other = await AutoencoderKL.fromPretrained(`${fixtures}models/vae_noquant_shift`, { backend });
    expect(await latentMatrix(other)).toHaveLength(other.latentChannels + 1);
  });
});

describe("a step's preview", () => {
  // not square, so that height and width cannot be taken for each other
  const run = { prompt: "a red apple", seed: 3, height: 40, width: 64, numInferenceSteps: 2 } as const;
  let plain: StableDiffusionPipeline;
  let withTiny: StableDiffusionPipeline;
  beforeAll(async () => {
    plain = await StableDiffusionPipeline.fromPretrained(tinySd, { backend });
    withTiny = await StableDiffusionPipeline.fromPretrained(checkpointWithTiny(), { backend });
  }, 60_000);
  afterAll(() => Promise.all([plain.dispose(), withTiny.dispose()]));

  /** The checkpoint with a folder that its index does not list. */
  function checkpointWithTiny() {
    const files = fixtureFiles("pipelines/tiny-sd");
    const tiny = fixtureFiles("models/vae_tiny");
    return {
      ...files,
      find: (path: string) =>
        path.startsWith("vae_tiny/") ? tiny.find(path.slice("vae_tiny/".length)) : files.find(path),
      at: (folder: string) => (folder === "vae_tiny" ? tiny : files.at(folder)),
    };
  }

  async function previews(pipe: StableDiffusionPipeline, options: Parameters<typeof previewLatents>[2]) {
    for await (const step of pipe.stream(run))
      return { shown: await step.preview(options), latents: step.predOriginalSample ?? step.latents };
    throw new Error("no step");
  }

  it("is linear without a tiny autoencoder, in the picture's size", async () => {
    const { shown, latents } = await previews(plain, undefined);
    expect(shown).toEqual(latentPreview(latents, await latentMatrix(plain.components.vae), { scale: 8 }));
    expect(sizes(shown)).toEqual([[64, 40]]);
    expect(sizes((await previews(plain, { scale: 1 })).shown)).toEqual([[8, 5]]);
  });

  it("is what the autoencoder makes of it when asked for", async () => {
    const { shown, latents } = await previews(plain, { method: "vae" });
    expect(shown).toEqual(imageFromTensor(await plain.components.vae.decode(latents)));
  });

  it("comes from the checkpoint's tiny autoencoder where there is one", async () => {
    const { shown, latents } = await previews(withTiny, {});
    await using tiny = await AutoencoderTiny.fromPretrained(`${fixtures}models/vae_tiny`, { backend });
    expect(shown).toEqual(imageFromTensor(await tiny.decode(latents)));
    expect((await previews(withTiny, { method: "linear" })).shown).toEqual((await previews(plain, {})).shown);
    expect(withTiny.components.previewDecoder).toBeInstanceOf(AutoencoderTiny);
  });

  it("comes from a tiny autoencoder of the caller's, which stays the caller's", async () => {
    await using tiny = await AutoencoderTiny.fromPretrained(`${fixtures}models/vae_tiny`, { backend });
    const pipe = await StableDiffusionPipeline.fromPretrained(tinySd, { backend, previewDecoder: tiny });
    const { shown, latents } = await previews(pipe, { method: "tiny" });
    await pipe.dispose();
    expect(shown).toEqual(imageFromTensor(await tiny.decode(latents)));
    expect(StableDiffusionPipeline.fromPipe(pipe).components.previewDecoder).toBe(tiny);
  });

  it("is of the tiny autoencoder that stands in for the whole one", async () => {
    await using tiny = await AutoencoderTiny.fromPretrained(`${fixtures}models/vae_tiny`, { backend });
    const pipe = StableDiffusionPipeline.fromPipe(plain, { vae: tiny });
    const { shown, latents } = await previews(pipe, undefined);
    expect(shown).toEqual(imageFromTensor(await tiny.decode(latents)));
  });

  it("can be had of latents alone", async () => {
    const { shown, latents } = await previews(plain, { method: "vae" });
    expect(await previewLatents(plain.components, latents, { method: "vae" })).toEqual(shown);
  });

  it("names what is wrong with a method", async () => {
    await expect(previews(plain, { method: "tiny" })).rejects.toThrow(/^method: "tiny" needs a tiny autoencoder/);
    await expect(previews(plain, { method: "tiny" })).rejects.toBeInstanceOf(RangeError);
    // @ts-expect-error: no method
    await expect(previews(plain, { method: "fast" })).rejects.toThrow(
      new RangeError("method: expected one of vae, tiny, linear, got fast"),
    );
    await expect(previews(plain, { scale: 0 })).rejects.toThrow(
      new RangeError("scale: expected a positive integer, got 0"),
    );
  });

  it("refuses a tiny autoencoder of other latents when the pipeline is made", async () => {
    const { components } = plain;
    const previewDecoder = linearCodec(matrix);
    expect(() => new StableDiffusionPipeline({ ...components, previewDecoder })).toThrow(
      "previewDecoder: its latents have 3 channels at 1/2 of the size, the vae's 4 channels at 1/8 of the size",
    );
  });

  it("refuses another class in the index's place for it", async () => {
    const files = checkpointWithTiny();
    const index = JSON.stringify({
      ...JSON.parse(new TextDecoder().decode(await (await files.find("model_index.json"))?.read())),
      vae_tiny: ["diffusers", "AutoencoderKL"],
    });
    const find = async (path: string) => (path === "model_index.json" ? memoryFile(path, index) : files.find(path));
    await expect(StableDiffusionPipeline.fromPretrained({ ...files, find }, { backend })).rejects.toMatchObject({
      code: "unsupported-model",
      message: "model_index.json: vae_tiny is AutoencoderKL; supported: AutoencoderTiny",
    });
  });
});
