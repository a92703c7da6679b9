import { torchRandom } from "@latentkit/core";
import { UNet2DModel } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler } from "@latentkit/schedulers";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures } from "../../../tests/golden.js";
import { memoryFile, memoryFiles } from "../../../tests/memory-files.js";
import { DDPMPipeline } from "./ddpm-pipeline.js";
import { DiffusionPipeline } from "./diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const open = (name: string) => UNet2DModel.fromPretrained(`${fixtures}models/${name}`, { backend });
const scheduler = new DDIMScheduler();

/** A whole checkpoint around one of the reference networks. */
function checkpoint(network: string) {
  const config = { _class_name: "DDPMScheduler", beta_schedule: "linear" };
  const index = { _class_name: "DDPMPipeline", unet: ["diffusers", "UNet2DModel"] };
  const files = memoryFiles({ "scheduler/scheduler_config.json": JSON.stringify(config) });
  const indexFile = memoryFile("model_index.json", JSON.stringify(index));
  return {
    location: network,
    find: async (path: string) => (path === "model_index.json" ? indexFile : files.find(path)),
    at: (folder: string) => (folder === "unet" ? fixtureFiles(`models/${network}`) : files.at(folder)),
  };
}

describe("DDPMPipeline", () => {
  it("opens a checkpoint, and draws pictures of the size it was trained on", async () => {
    await using pipe = await DiffusionPipeline.fromPretrained(checkpoint("unet2d_ddpm"), { backend });
    if (!(pipe instanceof DDPMPipeline)) throw new TypeError("another pipeline");
    const steps: number[] = [];
    const run = { batchSize: 3, numInferenceSteps: 3, seed: [1, 2, 3] };
    const { images, latents } = await pipe.generate({ ...run, onStep: ({ index }) => void steps.push(index) });
    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [8, 8],
      [8, 8],
      [8, 8],
    ]);
    expect(latents.shape).toEqual([3, 3, 8, 8]);
    expect(steps).toEqual([0, 1, 2]);
    const alone = await pipe.generate({ numInferenceSteps: 3, seed: 2 });
    const worst = Math.max(...alone.images[0]!.data.map((value, i) => Math.abs(value - images[1]!.data[i]!)));
    expect(worst).toBeLessThanOrEqual(1);
  });

  it("draws a class, in grey", async () => {
    await using unet = await open("unet2d_class");
    const pipe = new DDPMPipeline({ unet, scheduler });
    const run = { batchSize: 2, numInferenceSteps: 2, random: torchRandom(5) };
    const { images, tensor } = await pipe.generate({ ...run, classLabels: [3, 7], outputType: "tensor" });
    expect([images, tensor?.shape]).toEqual([[], [2, 3, 8, 8]]);
    const one = await pipe.generate({ numInferenceSteps: 2, seed: 5, classLabels: [3] });
    const { data } = one.images[0]!;
    expect([data[0], data[0]]).toEqual([data[1], data[2]]);
    const other = await pipe.generate({ numInferenceSteps: 2, seed: 5, classLabels: [4] });
    expect(other.images[0]?.data).not.toEqual(data);
    await expect(pipe.generate({ numInferenceSteps: 1, seed: 1 })).rejects.toThrow(
      new TypeError("classLabels: this network needs one per picture"),
    );
  });

  it("names the option that is wrong", async () => {
    await using unet = await open("unet2d_ddpm");
    const pipe = new DDPMPipeline({ unet, scheduler });
    expect(() => pipe.stream({ batchSize: 0 })).toThrow(
      new RangeError("batchSize: expected a positive integer, got 0"),
    );
    expect(() => pipe.stream({ numInferenceSteps: 0 })).toThrow(RangeError);
    expect(() => pipe.stream({ batchSize: 2, seed: [1] })).toThrow("seed: expected 2 seeds, one per image, got 1");
  });
});
