import type { Backend, Session } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";
import { StableDiffusionXLPipeline } from "./stable-diffusion-xl-pipeline.js";

const cpu = await onnxruntimeNode({ device: "cpu", worker: false });

/** A backend that writes down how many of its sessions are open, at every change. */
function watched(): { readonly backend: Backend; readonly open: number[] } {
  const open = [0];
  const change = (by: number) => open.push((open.at(-1) ?? 0) + by);
  const createSession: Backend["createSession"] = async (model) => {
    const session = await cpu.createSession(model);
    change(1);
    let isOpen = true;
    const dispose: Session["dispose"] = async () => {
      if (isOpen) change(-1);
      isOpen = false;
      await session.dispose();
    };
    return { ...session, dispose };
  };
  return { backend: { ...cpu, createSession }, open };
}

const options = {
  prompt: "a cat",
  seed: 1,
  height: 48,
  width: 64,
  numInferenceSteps: 2,
  outputType: "tensor",
} as const;

describe.each([
  // the stages: one or two text encoders, the UNet, the decoder
  ["tiny-sd", StableDiffusionPipeline, [0, 1, 0], [1, 0, 1, 0]],
  ["tiny-sdxl", StableDiffusionXLPipeline, [0, 1, 2, 1, 0], [1, 0, 1, 0]],
] as const)("%s with little memory", (folder, pipeline, reading, drawing) => {
  it("holds the weights of one stage at a time, and makes the same pictures", async () => {
    const { backend, open } = watched();
    await using low = await pipeline.fromPretrained(`${fixtures}pipelines/${folder}`, { backend, memory: "low" });
    const first = await low.generate(options);
    expect(open).toEqual([...reading, ...drawing]);
    const second = await low.generate(options);
    // a prompt that was read before is remembered
    expect(open).toEqual([...reading, ...drawing, ...drawing]);
    await using all = await pipeline.fromPretrained(`${fixtures}pipelines/${folder}`, { backend: cpu });
    const { tensor } = await all.generate(options);
    expect([first.tensor, second.tensor]).toEqual([tensor, tensor]);
  });

  it("lets go of the network of a run that is left", async () => {
    const { backend, open } = watched();
    await using low = await pipeline.fromPretrained(`${fixtures}pipelines/${folder}`, { backend, memory: "low" });
    for await (const _ of low.stream(options)) break;
    expect(open.at(-1)).toBe(0);
  });
});
