import { beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { webgpuStatus, withWebgpu } from "../../../tests/webgpu.js";

const { works, reason } = await webgpuStatus();

/** Prints the largest difference between the two devices after each network of one run. */
const program = `
  const { StableDiffusionPipeline } = await import("@latentkit/pipelines");
  const { EulerDiscreteScheduler } = await import("@latentkit/schedulers");

  async function results(device) {
    const pipe = await StableDiffusionPipeline.fromPretrained(${JSON.stringify(`${fixtures}pipelines/tiny-sd`)}, { device });
    pipe.scheduler = EulerDiscreteScheduler.fromConfig(pipe.scheduler.config);
    const { textEncoder, tokenizer } = pipe.components;
    const text = await textEncoder.encode(tokenizer.encode(["", "a red apple"]));
    const predictions = [];
    const run = { prompt: "a red apple", seed: 3, height: 32, width: 48, numInferenceSteps: 2, outputType: "tensor" };
    const { latents, tensor } = await pipe.generate({ ...run, onStep: (step) => void predictions.push(step.predOriginalSample) });
    const { latents: left } = await pipe.generate(run);
    await pipe.dispose();
    return { text, prediction: predictions[0], latents, left, picture: tensor };
  }

  const [expected, found] = [await results("cpu"), await results("webgpu")];
  const differences = Object.entries(expected).map(([name, { data }]) => {
    const each = Array.from(data, (value, i) => Math.abs(value - found[name].data[i]));
    return [name, Math.max(...each)]; // NaN when any is
  });
  console.log(JSON.stringify(Object.fromEntries(differences)));`;

describe.skipIf(!works)(`webgpu${reason}`, () => {
  let differences: Record<string, number | null> = {};
  beforeAll(async () => {
    differences = JSON.parse(await withWebgpu(program));
  }, 180_000);

  it.each([
    ["text encoder", "text"],
    ["UNet's first prediction", "prediction"],
    ["UNet, after two steps", "latents"],
    ["UNet, after two steps that left them on the GPU", "left"],
    ["decoded picture", "picture"],
  ])("gives the CPU's numbers: %s", (_, name) => {
    expect(differences[name]).toBeLessThan(1e-3);
  });
});
