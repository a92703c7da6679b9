import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LatentConsistencyModelPipeline, loadImage, pngText, StableDiffusionXLPipeline } from "latentkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { runCommand } from "../../../tests/run-command.js";

const pipelines = `${fixtures}pipelines/`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A copy of tiny-sd that says it is for another pipeline, with some parts exchanged. */
async function checkpoint(name: string, className: string, parts: Readonly<Record<string, string>> = {}) {
  const copy = join(folder, name);
  await cp(`${pipelines}tiny-sd`, copy, { recursive: true });
  for (const [part, from] of Object.entries(parts)) await cp(pipelines + from, join(copy, part), { recursive: true });
  const file = join(copy, "model_index.json");
  const index = JSON.parse(await readFile(file, "utf8"));
  const more = "controlnet" in parts && { controlnet: ["diffusers", "ControlNetModel"] };
  await writeFile(file, JSON.stringify({ ...index, ...more, _class_name: className }));
  return copy;
}

const draw = (model: string, ...args: string[]) =>
  runCommand(["a red apple", "--model", model, "--seed", "7", "-o", "out.png", "--size", "64x48", ...args], folder);
const result = () => loadImage(join(folder, "out.png"));
const settings = async () => pngText(await readFile(join(folder, "out.png"))).parameters;

describe("a text alone, drawn by", () => {
  it("SDXL, with its scale, and no negative prompt rather than an empty one", async () => {
    const { code, stderr } = await draw(`${pipelines}tiny-sdxl`, "--steps", "3");
    expect(stderr).not.toMatch(/error|warning/);
    expect(code).toBe(0);
    expect(await settings()).toMatch(/Steps: 3, .*CFG scale: 5, .*Model: tiny-sdxl/);
    await using pipe = await StableDiffusionXLPipeline.fromPretrained(`${pipelines}tiny-sdxl`, { device: "auto" });
    const options = { prompt: "a red apple", numInferenceSteps: 3, guidanceScale: 5, seed: 7, width: 64, height: 48 };
    expect((await pipe.generate(options)).images[0]?.data).toEqual((await result()).data);
  });

  it("a latent consistency model, in four steps", async () => {
    const parts = { unet: "tiny-lcm-unet", scheduler: "tiny-lcm-scheduler" };
    const model = await checkpoint("lcm", "LatentConsistencyModelPipeline", parts);
    const { code, stdout, stderr } = await draw(model, "--json");
    expect(stderr).not.toMatch(/error|warning/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 4, scheduler: "LCMScheduler" });
    expect(await settings()).toMatch(/Steps: 4, Sampler: LCM, CFG scale: 8\.5/);
    await using pipe = await LatentConsistencyModelPipeline.fromPretrained(model);
    const { images } = await pipe.generate({ prompt: "a red apple", seed: 7, width: 64, height: 48 });
    expect(images[0]?.data).toEqual((await result()).data);
  });

  it("a model of text to image whose checkpoint names image to image", async () => {
    const model = await checkpoint("img2img", "StableDiffusionImg2ImgPipeline");
    expect((await draw(model, "--steps", "2")).code).toBe(0);
    const redrawn = await result();
    expect((await draw(`${pipelines}tiny-sd`, "--steps", "2")).code).toBe(0);
    expect((await result()).data).toEqual(redrawn.data);
  });
});

describe("a model that needs more than a text is refused, with the command for it", () => {
  it.each([
    ["StableDiffusionInpaintPipeline", { unet: "tiny-inpaint-unet" }, "latentkit inpaint"],
    ["StableDiffusionControlNetPipeline", { controlnet: "tiny-controlnet" }, "latentkit control"],
  ])("%s", async (className, parts, command) => {
    const model = await checkpoint(className, className, parts);
    const { code, stdout, stderr } = await draw(model);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: this model does not draw from a text alone; use ${command}\n`,
    });
  });

  it("pictures of no text", async () => {
    const model = join(folder, "ddpm");
    await cp(`${fixtures}models/unet2d_ddpm`, join(model, "unet"), { recursive: true });
    const save = (file: string, value: object) => writeFile(join(model, file), JSON.stringify(value));
    await mkdir(join(model, "scheduler"));
    await save("scheduler/scheduler_config.json", { _class_name: "DDPMScheduler" });
    const parts = { unet: ["diffusers", "UNet2DModel"], scheduler: ["diffusers", "DDPMScheduler"] };
    await save("model_index.json", { _class_name: "DDPMPipeline", ...parts });
    expect(await draw(model)).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: this model draws without a text; use DDPMPipeline of the library\n",
    });
  });
});
