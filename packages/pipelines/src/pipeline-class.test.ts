import { readdirSync, readFileSync } from "node:fs";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { denoise } from "./denoise.js";
import { encodePrompt } from "./encode-prompt.js";
import { pipelineClass } from "./pipeline-class.js";
import type { RunOptions } from "./run-options.js";
import { stableDiffusionComponents } from "./stable-diffusion-parts.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const folder = `${fixtures}pipelines/`;
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let base: StableDiffusionPipeline;
beforeAll(async () => {
  base = await StableDiffusionPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
}, 60_000);
afterAll(() => base.dispose());

interface PlainOptions extends RunOptions {
  readonly prompt: string;
}

/** Text to image, the least of it. */
const PlainPipeline = pipelineClass({
  ...StableDiffusionPipeline.kind,
  name: "PlainPipeline",
  prepare({ unet, vae, scheduler, ...text }, { prompt }: PlainOptions) {
    if (prompt === "") throw new RangeError('prompt: expected some text, got ""');
    const plan = scheduler.plan({ numInferenceSteps: 3 });
    return {
      images: 1,
      window: plan,
      decode: (latents) => vae.decode(latents),
      async *states({ random, sampling, signal }) {
        const context = await encodePrompt(text, [prompt], { negativePrompts: [""] });
        const start = plan.start(random.normal([1, vae.latentChannels, 6, 8]));
        return (yield* denoise(unet, plan, start, context, { guidanceScale: 7.5, random: sampling, signal })).sample;
      },
    };
  },
});

describe("a pipeline of one's own", () => {
  const apple = { prompt: "a red apple", seed: 3 };

  it("has all that pipelines have", async () => {
    await using pipe = await PlainPipeline.fromPretrained(`${folder}tiny-sd`, { backend });
    expect([PlainPipeline.name, pipe.constructor.name]).toEqual(["PlainPipeline", "PlainPipeline"]);
    const { images, seeds } = await pipe.generate(apple);
    expect(seeds).toEqual([3]);
    const known = await base.generate({ ...apple, numInferenceSteps: 3, height: 48, width: 64 });
    expect(images[0]?.data).toEqual(known.images[0]?.data);
    for await (const step of pipe.stream(apple)) {
      expect([step.index, step.total]).toEqual([0, 4]); // PNDM visits one of three timesteps twice
      expect((await step.preview())[0]?.width).toBeGreaterThan(0);
      break;
    }
    expect(() => pipe.stream({ ...apple, prompt: "" })).toThrow(new RangeError('prompt: expected some text, got ""'));
    await pipe.dispose();
    expect(() => pipe.stream(apple)).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  it("shares parts, and changes its sampler", async () => {
    const pipe = PlainPipeline.fromPipe(base);
    expect(pipe.components.unet).toBe(base.components.unet);
    await expect(pipe.generate({ ...apple, signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
  });

  it("opens any checkpoint that has the parts, and tells of those that do not fit", async () => {
    const error = { name: "LatentKitError", code: "unsupported-model" };
    await expect(PlainPipeline.fromPretrained(`${folder}tiny-sdxl`, { backend })).rejects.toMatchObject(error);
    await expect(StableDiffusionPipeline.fromPretrained(`${folder}tiny-sdxl`, { backend })).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining("open it with StableDiffusionXLPipeline"),
    });
  });

  it("may have a table of parts of its own", async () => {
    const { tokenizer, textEncoder, vae, unet, scheduler } = stableDiffusionComponents;
    const Bare = pipelineClass({
      ...PlainPipeline.kind,
      components: {
        tokenizer,
        textEncoder,
        vae,
        unet,
        scheduler,
        previewDecoder: stableDiffusionComponents.previewDecoder,
      },
    });
    await using pipe = await Bare.fromPretrained(`${folder}tiny-sd`, { backend });
    expect((await pipe.generate({ ...apple, outputType: "latent" })).latents.shape).toEqual([1, 4, 6, 8]);
  });
});

it("each pipeline of the library is short: its algorithm, and where its parts are", () => {
  const source = new URL("./", import.meta.url);
  const files = readdirSync(source).filter((name) => /-pipeline\.ts$/.test(name) && name !== "diffusion-pipeline.ts");
  expect(files.length).toBeGreaterThan(18);
  for (const file of files) {
    const code = readFileSync(new URL(file, source), "utf8").replaceAll(/\/\*\*[\s\S]*?\*\/|^import [\s\S]*?;$/gm, "");
    expect(code.split("\n").filter((line) => line.trim() !== "").length, file).toBeLessThan(80);
  }
});
