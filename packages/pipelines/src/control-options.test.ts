import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zeros } from "@latentkit/core";
import { loadImage, RgbaImage, resizeImage } from "@latentkit/images";
import { ControlNetModel, T2IAdapter } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, maxDifference } from "../../../tests/golden.js";
import { DiffusionPipeline } from "./diffusion-pipeline.js";
import { StableDiffusionAdapterPipeline } from "./stable-diffusion-adapter-pipeline.js";
import { StableDiffusionControlNetImg2ImgPipeline } from "./stable-diffusion-controlnet-img2img-pipeline.js";
import { StableDiffusionControlNetInpaintPipeline } from "./stable-diffusion-controlnet-inpaint-pipeline.js";
import { StableDiffusionControlNetPipeline } from "./stable-diffusion-controlnet-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const folder = `${fixtures}pipelines/`;
const picture = `${folder}inputs/control.png`;
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

let sd: StableDiffusionPipeline;
let controlnet: ControlNetModel;
let adapter: T2IAdapter;
let pipe: StableDiffusionControlNetPipeline;
beforeAll(async () => {
  sd = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
  controlnet = await ControlNetModel.fromPretrained(`${folder}tiny-controlnet`, { backend });
  adapter = await T2IAdapter.fromPretrained(`${fixtures}models/t2i_full`, { backend });
  pipe = StableDiffusionControlNetPipeline.fromPipe(sd, { controlnet });
});
afterAll(() => Promise.all([sd, controlnet, adapter].map((part) => part.dispose())));

const apple = { prompt: "a red apple", seed: 3, height: 40, width: 64, numInferenceSteps: 2 } as const;
const latent = { ...apple, outputType: "latent" } as const;

describe("a steering picture", () => {
  it("may be a path, a picture or a tensor, and has two names in text to image", async () => {
    const image = await loadImage(picture);
    const { latents } = await pipe.generate({ ...latent, controlImage: picture });
    expect((await pipe.generate({ ...latent, image })).latents).toEqual(latents);
    const clear = new RgbaImage({ ...image, data: image.data.map((value, i) => (i % 4 === 3 ? 0 : value)) });
    // what is transparent is no less there
    expect((await pipe.generate({ ...latent, controlImage: clear })).latents).toEqual(latents);
    const tensor = zeros([1, 3, 40, 64]);
    const black = new RgbaImage({ width: 8, height: 5, data: new Uint8Array(160) });
    const expected = await pipe.generate({ ...latent, controlImage: black });
    expect((await pipe.generate({ ...latent, controlImage: tensor })).latents).toEqual(expected.latents);
  });

  it("gives a run its size, unless it is given, or latents are", async () => {
    const data = new Uint8Array(4 * 53 * 34).fill(99);
    const controlImage = new RgbaImage({ width: 53, height: 34, data });
    const { height: _, width: __, ...free } = apple;
    const sizeOf = async (options: object) => {
      const { images } = await pipe.generate({ ...free, controlImage, ...options });
      return [images[0]?.width, images[0]?.height];
    };
    expect(await sizeOf({})).toEqual([48, 32]);
    expect(await sizeOf({ height: 64 })).toEqual([48, 64]);
    expect(await sizeOf({ latents: zeros([1, 4, 5, 7]) })).toEqual([56, 40]);
    const speck = new RgbaImage({ width: 1, height: 1, data: new Uint8Array(4) });
    expect(await sizeOf({ controlImage: speck })).toEqual([8, 8]);
  });

  it("has no say at scale 0, nor outside its share of the steps", async () => {
    const plain = await sd.generate(latent);
    const run = (options: object) => pipe.generate({ ...latent, controlImage: picture, ...options });
    expect(maxDifference((await run({ controlnetConditioningScale: 0 })).latents, plain.latents)).toBeLessThan(1e-5);
    const none = await run({ controlGuidanceStart: 0.9, controlGuidanceEnd: 0.95 });
    expect(maxDifference(none.latents, plain.latents)).toBeLessThan(1e-5);
    expect(maxDifference((await run({})).latents, plain.latents)).toBeGreaterThan(0.01);
  });

  it("steers a run that is streamed, left and begun again", async () => {
    const options = { ...latent, controlImage: picture, numInferenceSteps: 4, controlGuidanceEnd: 0.5 };
    const { latents } = await pipe.generate(options);
    for await (const _ of pipe.stream(options)) break;
    const [first, second] = await Promise.all([pipe.generate(options), pipe.generate(options)]);
    expect(first.latents).toEqual(latents);
    expect(second.latents).toEqual(latents);
  });
});

describe("options that are wrong", () => {
  const both = () => StableDiffusionControlNetPipeline.fromPipe(sd, { controlnet: [controlnet, controlnet] });
  it.each<[string, () => { stream(options: never): unknown }, object, Error]>([
    [
      "no picture",
      () => pipe,
      {},
      new TypeError("controlImage: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none"),
    ],
    [
      "two names",
      () => pipe,
      { controlImage: picture, image: picture },
      new TypeError("image: expected nothing beside controlImage, which is the same here"),
    ],
    [
      "no pictures",
      () => pipe,
      { controlImage: [] },
      new RangeError("controlImage: expected at least one picture, got none"),
    ],
    [
      "too many",
      () => pipe,
      { controlImage: [picture, picture] },
      new RangeError("controlImage: expected 1 picture or as many as divide the 1 of this run, got 2"),
    ],
    [
      "channels",
      () => pipe,
      { controlImage: zeros([1, 4, 40, 64]) },
      new RangeError("controlImage: expected shape [images, 3, height, width], got [1, 4, 40, 64]"),
    ],
    [
      "scale",
      () => pipe,
      { controlImage: picture, controlnetConditioningScale: Number.NaN },
      new RangeError("controlnetConditioningScale: expected a finite number, got NaN"),
    ],
    [
      "scales",
      () => pipe,
      { controlImage: picture, controlnetConditioningScale: [1, 2] },
      new RangeError("controlnetConditioningScale: expected one value, or 1, one for each ControlNet, got 2"),
    ],
    [
      "start",
      () => pipe,
      { controlImage: picture, controlGuidanceStart: 1.1 },
      new RangeError("controlGuidanceStart: expected 0 to 1, got 1.1"),
    ],
    [
      "order",
      () => pipe,
      { controlImage: picture, controlGuidanceStart: 0.5, controlGuidanceEnd: 0.4 },
      new RangeError("controlGuidanceStart: expected less than controlGuidanceEnd, 0.4, got 0.5"),
    ],
    [
      "guess",
      () => pipe,
      { controlImage: picture, guessMode: true, sequentialGuidance: true },
      new TypeError(
        "sequentialGuidance: expected false beside guessMode, or a ControlNet that steers by one value for each channel",
      ),
    ],
    [
      "one of two",
      both,
      { controlImage: picture },
      new RangeError("controlImage: expected a list of 2, one for each ControlNet, got a single one"),
    ],
    [
      "three of two",
      both,
      { controlImage: [picture, picture, picture] },
      new RangeError("controlImage: expected a list of 2, one for each ControlNet, got 3"),
    ],
    [
      "height",
      () => pipe,
      { controlImage: picture, height: 41 },
      new RangeError("height: expected a positive multiple of 8 pixels, got 41"),
    ],
    [
      "factor",
      () => StableDiffusionAdapterPipeline.fromPipe(sd, { adapter }),
      { controlImage: picture, adapterConditioningFactor: 2 },
      new RangeError("adapterConditioningFactor: expected 0 to 1, got 2"),
    ],
    [
      "adapter scale",
      () => StableDiffusionAdapterPipeline.fromPipe(sd, { adapter }),
      { controlImage: picture, adapterConditioningScale: [1, 1] },
      new RangeError("adapterConditioningScale: expected one value, or 1, one for each adapter, got 2"),
    ],
    [
      "no control image",
      () => StableDiffusionControlNetImg2ImgPipeline.fromPipe(sd, { controlnet }),
      { image: picture },
      new TypeError("controlImage: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none"),
    ],
    [
      "no image",
      () => StableDiffusionControlNetInpaintPipeline.fromPipe(sd, { controlnet }),
      { controlImage: picture },
      new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none"),
    ],
  ])("are told at once: %s", (_, open, options, error) => {
    const all = { ...apple, ...options };
    // @ts-expect-error: whatever callers without types may give
    expect(() => open().stream(all)).toThrow(error);
  });

  it("are told of a tensor's size when the run has its own", async () => {
    const run = pipe.generate({ ...apple, controlImage: zeros([1, 3, 48, 64]) });
    await expect(run).rejects.toThrow(new RangeError("controlImage: expected a tensor of 64x40 pixels, got 64x48"));
  });
});

describe("beside paddingMaskCrop", () => {
  const maskOf = (shade: number) =>
    new RgbaImage({
      width: 64,
      height: 64,
      data: Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => (i % 4 === 3 || i > 64 * 64 * 3 ? 255 : shade)),
    });
  const inpaint = () => StableDiffusionControlNetInpaintPipeline.fromPipe(sd, { controlnet });
  const run = { ...apple, image: `${folder}inputs/image.png`, paddingMaskCrop: 4 };

  it("what steers is brought to the picture's size before it is cut as the picture is", async () => {
    const maskImage = maskOf(0);
    const larger = resizeImage(await loadImage(picture), { width: 128, height: 96 });
    const fitting = resizeImage(larger, { width: 64, height: 64 });
    const { images } = await inpaint().generate({ ...run, maskImage, controlImage: larger });
    const same = await inpaint().generate({ ...run, maskImage, controlImage: fitting });
    expect([images[0]?.width, images[0]?.height]).toEqual([64, 64]);
    expect(images[0]?.data).toEqual(same.images[0]?.data);
    const none = inpaint().generate({ ...run, maskImage, controlImage: zeros([1, 3, 64, 64]) });
    await expect(none).rejects.toThrow(
      new TypeError("controlImage: expected a picture beside paddingMaskCrop, got a tensor"),
    );
  });

  it("a mask that is all black gives the picture back, and nothing is asked", async () => {
    const black = new RgbaImage({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 4) });
    const onStep = () => expect.unreachable();
    const { images } = await inpaint().generate({ ...run, maskImage: black, controlImage: picture, onStep });
    expect(images[0]?.data).toEqual((await loadImage(run.image)).data);
  });
});

describe("parts", () => {
  it("do not go together across families", async () => {
    await using xl = await ControlNetModel.fromPretrained(`${fixtures}models/controlnet_xl`, { backend });
    await using other = await T2IAdapter.fromPretrained(`${fixtures}models/t2i_xl`, { backend });
    const unsupported = (message: string) =>
      expect.objectContaining({ name: "LatentKitError", code: "unsupported-model", message });
    expect(() => StableDiffusionControlNetPipeline.fromPipe(sd, { controlnet: xl })).toThrow(
      unsupported(
        "features per token: the ControlNet has 56, the unet 32; take a ControlNet made for this family of models",
      ),
    );
    expect(() => StableDiffusionControlNetPipeline.fromPipe(sd, { controlnet: [] })).toThrow(
      unsupported("controlnet: expected at least one, got none"),
    );
    expect(() => StableDiffusionAdapterPipeline.fromPipe(sd, { adapter: other })).toThrow(
      unsupported(
        "channels: the adapter gives 8, 8, 16, 16, the unet has 8, 16, 16, 16; take an adapter made for this family of models",
      ),
    );
    expect(() => StableDiffusionControlNetPipeline.fromPipe(sd)).toThrow(
      new TypeError(
        "pipe: StableDiffusionControlNetPipeline needs controlnet, which the pipeline does not have; give it in the second argument",
      ),
    );
  });

  it("come from a checkpoint that has them, one or several", async () => {
    const saved = await mkdtemp(join(tmpdir(), "latentkit-controlnet-"));
    try {
      await cp(`${folder}tiny-sd`, saved, { recursive: true });
      await cp(`${folder}tiny-controlnet`, join(saved, "controlnet"), { recursive: true });
      const index = JSON.parse(await readFile(join(saved, "model_index.json"), "utf8"));
      const save = (_class_name: string, controlnet: string) =>
        writeFile(
          join(saved, "model_index.json"),
          JSON.stringify({ ...index, _class_name, controlnet: ["diffusers", controlnet] }),
        );
      const expected = await pipe.generate({ ...latent, controlImage: picture });

      await save("StableDiffusionControlNetPipeline", "ControlNetModel");
      await using single = await DiffusionPipeline.fromPretrained(saved, { backend });
      if (!(single instanceof StableDiffusionControlNetPipeline))
        throw new TypeError(`opened ${single.constructor.name}`);
      expect((await single.generate({ ...latent, controlImage: picture })).latents).toEqual(expected.latents);
      await using plain = await StableDiffusionPipeline.fromPretrained(saved, { backend });
      expect((await plain.generate(latent)).latents).toEqual((await sd.generate(latent)).latents);

      await cp(join(saved, "controlnet"), join(saved, "controlnet_1"), { recursive: true });
      await save("StableDiffusionControlNetPipeline", "MultiControlNetModel");
      const several = await StableDiffusionControlNetPipeline.fromPretrained(saved, { backend });
      expect(several.components.controlnet).toHaveLength(2);
      const half = { controlImage: [picture, picture], controlnetConditioningScale: 0.5 };
      const { latents } = await several.generate({ ...latent, ...half });
      expect(maxDifference(latents, expected.latents)).toBeLessThan(1e-4);
      await several.dispose();
      await expect(several.generate({ ...latent, ...half })).rejects.toMatchObject({ code: "disposed" });
    } finally {
      await rm(saved, { recursive: true });
    }
  });

  it("are asked for where a checkpoint has none", async () => {
    const error = { name: "LatentKitError", code: "unsupported-model" };
    await expect(
      StableDiffusionControlNetPipeline.fromPretrained(`${folder}tiny-sd`, { backend }),
    ).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining("{ controlnet: await ControlNetModel.fromPretrained(…) }"),
    });
    await expect(StableDiffusionAdapterPipeline.fromPretrained(`${folder}tiny-sd`, { backend })).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining("{ adapter: await T2IAdapter.fromPretrained(…) }"),
    });
    await using given = await StableDiffusionControlNetPipeline.fromPretrained(`${folder}tiny-sd`, {
      backend,
      controlnet,
    });
    expect(given.components.controlnet).toBe(controlnet);
    await given.dispose();
    expect((await pipe.generate({ ...latent, controlImage: picture })).latents.shape).toEqual([1, 4, 5, 8]);
  });
});
