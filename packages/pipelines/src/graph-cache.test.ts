import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import type { PipelineLoadOptions } from "./load-components.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const root = await mkdtemp(join(tmpdir(), "latentkit-graph-cache-"));
afterAll(() => rm(root, { recursive: true }));

async function drawn(options: PipelineLoadOptions<StableDiffusionComponents>): Promise<Float32Array> {
  await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, {
    device: "cpu",
    ...options,
  });
  const { tensor } = await pipe.generate({
    prompt: "a cat",
    seed: 1,
    height: 48,
    width: 64,
    numInferenceSteps: 2,
    outputType: "tensor",
  });
  return tensor!.data;
}

it.each<[string, PipelineLoadOptions<StableDiffusionComponents>]>([
  ["4 bits", { dtype: "q4" }],
  ["little memory", { memory: "low" }],
])("pictures of %s are the same from kept graphs", async (name, options) => {
  const graphCache = join(root, name);
  const expected = await drawn(options);
  expect(await drawn({ ...options, graphCache })).toEqual(expected);
  const kept = await readdir(graphCache);
  // text encoder, UNet, what the UNet makes of a text where that is apart, decoder
  expect(kept).toHaveLength("memory" in options ? 3 : 4);
  expect(await drawn({ ...options, graphCache })).toEqual(expected);
  expect(await readdir(graphCache)).toEqual(kept);
});
