import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadImage, RgbaImage } from "@latentkit/images";
import { ControlNetModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { StableDiffusionControlNetPipeline } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionImg2ImgPipeline } from "./stable-diffusion-img2img-pipeline.js";
import { StableDiffusionInpaintPipeline } from "./stable-diffusion-inpaint-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const apple = { prompt: "a red apple", numInferenceSteps: 2, seed: 3, outputType: "latent" } as const;

let base: StableDiffusionPipeline;
let controlnet: ControlNetModel;
let folder: string;
/** 40 by 24 pixels in four colours that a palette holds and 8 bits do, too. */
const plain = new RgbaImage({
  width: 40,
  height: 24,
  data: Uint8Array.from({ length: 40 * 24 * 4 }, (_, i) => {
    const [x, y] = [(i >> 2) % 40, Math.floor((i >> 2) / 40)];
    const colour = [
      [200, 30, 40],
      [20, 160, 60],
      [40, 60, 220],
      [240, 230, 90],
    ][(x < 20 ? 0 : 1) + (y < 12 ? 0 : 2)]!;
    return colour[i % 4] ?? 255;
  }),
});
const raw = () => sharp(plain.data, { raw: { width: 40, height: 24, channels: 4 } });
const deep = () =>
  sharp(
    Uint16Array.from(plain.data, (value) => 257 * value),
    { raw: { width: 40, height: 24, channels: 4 } },
  );
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  base = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
  controlnet = await ControlNetModel.fromPretrained(`${fixtures}pipelines/tiny-controlnet`, { backend });
  folder = await mkdtemp(join(tmpdir(), "latentkit-pictures-"));
  await plain.save(file("plain.png"));
}, 60_000);
afterAll(async () => {
  await Promise.all([base.dispose(), controlnet.dispose()]);
  await rm(folder, { recursive: true });
});

/** What image to image, inpainting and a ControlNet make of a picture. */
async function latentsOf(image: string): Promise<unknown[]> {
  const maskImage = await mask();
  const pipes = [
    StableDiffusionImg2ImgPipeline.fromPipe(base).generate({ ...apple, image, strength: 0.5 }),
    StableDiffusionInpaintPipeline.fromPipe(base).generate({ ...apple, image, maskImage }),
    StableDiffusionControlNetPipeline.fromPipe(base, { controlnet }).generate({ ...apple, controlImage: image }),
  ];
  return (await Promise.all(pipes)).map(({ latents }) => latents);
}

/** White on the right. */
async function mask(): Promise<RgbaImage> {
  const data = plain.data.map((_, i) => (i % 4 === 3 || (i >> 2) % 40 > 20 ? 255 : 0));
  return new RgbaImage({ width: 40, height: 24, data });
}

describe("pictures of every kind are the same picture", () => {
  it.each([
    ["16 bits", (name: string) => deep().toColourspace("rgb16").png().toFile(name)],
    ["a palette", (name: string) => raw().png({ palette: true, colours: 4, dither: 0 }).toFile(name)],
    ["no alpha", (name: string) => raw().removeAlpha().png().toFile(name)],
    ["interlaced", (name: string) => raw().png({ progressive: true }).toFile(name)],
    // laid on its side, with the tag that sets it upright
    [
      "turned by EXIF",
      (name: string) => raw().rotate(270).withMetadata({ orientation: 6 }).webp({ lossless: true }).toFile(name),
    ],
  ])("%s", async (kind, write) => {
    const name = file(`${kind}.${kind.includes("EXIF") ? "webp" : "png"}`);
    await write(name);
    expect((await loadImage(name)).data).toEqual(plain.data);
    expect(await latentsOf(name)).toEqual(await latentsOf(file("plain.png")));
  });

  it("colours under full transparency stay as they are in the file", async () => {
    const clear = new RgbaImage({ ...plain, data: plain.data.map((value, i) => (i % 4 === 3 ? 0 : value)) });
    await clear.save(file("clear.png"));
    expect(await latentsOf(file("clear.png"))).toEqual(await latentsOf(file("plain.png")));
  });
});

describe("what is no picture is refused with its name", () => {
  it.each([
    ["cut.png", async () => (await plain.toPng()).slice(0, 80)],
    ["changed.png", async () => (await plain.toPng()).map((value, i) => (i === 50 ? value ^ 255 : value))],
    ["cut.jpg", async () => (await raw().removeAlpha().jpeg().toBuffer()).subarray(0, 300)],
    ["empty.png", async () => new Uint8Array()],
    ["text.png", async () => new TextEncoder().encode("no picture at all")],
  ])("%s", async (name, bytes) => {
    await writeFile(file(name), await bytes());
    const image = file(name);
    const maskImage = await mask();
    const inpaint = StableDiffusionInpaintPipeline.fromPipe(base);
    const steered = StableDiffusionControlNetPipeline.fromPipe(base, { controlnet });
    const runs = [
      () => StableDiffusionImg2ImgPipeline.fromPipe(base).generate({ ...apple, image }),
      () => inpaint.generate({ ...apple, image, maskImage }),
      () => inpaint.generate({ ...apple, image: plain, maskImage: image }),
      () => steered.generate({ ...apple, controlImage: image }),
    ];
    for (const run of runs)
      await expect(run()).rejects.toMatchObject({
        name: "LatentKitError",
        code: "invalid-image",
        message: expect.stringContaining(name),
      });
  });

  it("a file that is not there", async () => {
    const run = StableDiffusionImg2ImgPipeline.fromPipe(base).generate({ ...apple, image: file("none.png") });
    await expect(run).rejects.toMatchObject({ code: "file-not-found", message: expect.stringContaining("none.png") });
  });
});
