import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadImage, pngText, RgbaImage } from "latentkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { runCommand } from "../../../tests/run-command.js";
import { sharpPicture } from "../../../tests/sharp-picture.js";

const model = `${fixtures}pipelines/tiny-sd`;
const image = new RgbaImage(sharpPicture(45, 37));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-"));
  await image.save(join(folder, "photo.png"));
  const isWhite = (i: number) => i % 4 === 3 || ((i >> 2) % 45 > 10 && (i >> 2) % 45 < 30);
  const data = image.data.map((_, i) => (isWhite(i) ? 255 : 0));
  await new RgbaImage({ width: 45, height: 37, data }).save(join(folder, "mask.png"));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (...args: string[]) =>
  runCommand([...args, "--model", model, "--steps", "3", "--seed", "7", "-o", "out.png"], folder);
const result = () => loadImage(join(folder, "out.png"));

describe("a picture from a picture", () => {
  it("img2img: of its size, with its settings", async () => {
    const { code, stdout, stderr } = await run("img2img", "a painting", "--image", "photo.png", "--strength", "0.7");
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${join(folder, "out.png")}\n`, stderr: "" });
    const { width, height } = await result();
    expect([width, height]).toEqual([40, 32]);
    const { parameters } = pngText(await readFile(join(folder, "out.png")));
    expect(parameters).toMatch(
      /^a painting\nSteps: 3, .*Size: 40x32, Model: tiny-sd, Denoising strength: 0\.7, Version:/,
    );
  });

  it("img2img: with a sampler by one word", async () => {
    const { code } = await run("img2img", "a painting", "--image", "photo.png", "--quality", "draft");
    expect(code).toBe(0);
    const { parameters } = pngText(await readFile(join(folder, "out.png")));
    expect(parameters).toMatch(/Steps: 3, Sampler: DPM\+\+ 2M Karras, .*DeepCache interval: 2/);
  });

  it("inpaint: the rest of the picture stays as it is", async () => {
    const { code, stderr } = await run("inpaint", "a bench", "--image", "photo.png", "--mask", "mask.png");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [found, mask] = [await result(), await loadImage(join(folder, "mask.png"))];
    const outside = found.data.filter((_, i) => mask.data[i - (i % 4)] === 0);
    expect(outside).toEqual(image.data.filter((_, i) => mask.data[i - (i % 4)] === 0));
    expect(found.data).not.toEqual(image.data);
    const whole = await run("inpaint", "a bench", "--image", "photo.png", "--mask", "mask.png", "--no-overlay");
    expect(whole.code).toBe(0);
    expect((await result()).width).toBe(40);
  });

  it("upscale: larger, also without a prompt", async () => {
    const { code, stdout } = await run(
      "upscale",
      "--image",
      "photo.png",
      "--scale",
      "1.5",
      "--strength",
      "0.4",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ size: "64x48", warnings: [] });
  });
});

describe("a picture that steers", () => {
  const controlnet = `${fixtures}pipelines/tiny-controlnet`;
  const control = (...args: string[]) => run("control", "a cat", "--image", "photo.png", ...args);

  it("control: by a ControlNet, at the picture's size or another", async () => {
    const { code, stdout, stderr } = await control(
      "--controlnet",
      controlnet,
      "--preprocess",
      "canny",
      "--scale",
      "0.8",
    );
    // a slow machine tells how far it is
    expect(stderr).not.toMatch(/error|warning/);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${join(folder, "out.png")}\n` });
    const first = await result();
    expect([first.width, first.height]).toEqual([40, 32]);
    expect((await control("--controlnet", controlnet, "--guess", "--end", "0.5", "--size", "64x40")).code).toBe(0);
    expect((await result()).width).toBe(64);
  });

  it("control: by a T2I-Adapter", async () => {
    const { code, stderr } = await control("--adapter", `${fixtures}models/t2i_full`, "--preprocess", "grey");
    expect(stderr).not.toMatch(/error|warning/);
    expect(code).toBe(0);
    expect((await result()).width).toBe(40);
  });

  it.each([
    [[], 2, "--controlnet: expected a ControlNet's id, folder or file, got none"],
    [["--controlnet", controlnet, "--adapter", "x"], 2, "--adapter: expected nothing beside a ControlNet"],
    [["--adapter", "x", "--start", "0.5"], 2, "--start: expected a ControlNet beside it, got an adapter"],
    [["--adapter", "x", "--guess"], 2, "--guess: expected a ControlNet beside it, got an adapter"],
    [
      ["--controlnet", controlnet, "--start", "0.5", "--end", "0.2"],
      2,
      "--start: expected less than controlGuidanceEnd",
    ],
    [
      ["--controlnet", controlnet, "--preprocess", "pose"],
      2,
      "Allowed choices are canny, scribble, depth, grey, tile, none",
    ],
    [
      ["--controlnet", controlnet, "--quality", "draft"],
      2,
      '--quality: expected "normal" for StableDiffusionControlNetPipeline',
    ],
    [["--controlnet", controlnet, "--deep-cache", "2"], 2, "--deep-cache: expected a UNet2DConditionModel without"],
    [["--controlnet", `${fixtures}models/controlnet_xl`], 1, "take a ControlNet made for this family of models"],
  ])("%j cannot be done", async (args, code, message) => {
    expect(await control(...args)).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(message) });
  });
});

describe("what cannot be done is told", () => {
  it.each([
    [["img2img", "x", "--image", "none.png"], 1, "none.png: no picture could be read there"],
    [
      ["img2img", "x", "--image", "photo.png", "--strength", "2"],
      2,
      "--strength: expected a number above 0 and up to 1",
    ],
    [["inpaint", "x", "--image", "photo.png"], 2, "--mask: expected a mask, or an image that is transparent"],
    [["upscale", "--image", "photo.png", "--scale", "0.5"], 2, "--scale: expected 1 or more, got 0.5"],
    [
      ["upscale", "--image", "photo.png", "--noise-level", "20"],
      2,
      "--noise-level: expected nothing, this model is no",
    ],
  ])("%j", async (args, code, message) => {
    const outcome = await run(...args);
    expect(outcome).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(message) });
  });
});
