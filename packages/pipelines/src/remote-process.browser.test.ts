import { onnxruntimeWeb } from "@latentkit/runtime/web";
import { afterAll, expect, it, vi } from "vitest";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

/** WebGPU's number for mapping a buffer to read it. */
const READ = 1;

/** Devices that were asked for, and bytes that were read back from any of them. */
const gpu = { devices: [] as GPUDevice[], read: 0 };
const { requestDevice } = GPUAdapter.prototype;
vi.spyOn(GPUAdapter.prototype, "requestDevice").mockImplementation(async function (this: GPUAdapter, ...args) {
  const device = await requestDevice.apply(this, args);
  gpu.devices.push(device);
  return device;
});
const { mapAsync } = GPUBuffer.prototype;
vi.spyOn(GPUBuffer.prototype, "mapAsync").mockImplementation(function (this: GPUBuffer, ...args) {
  if (args[0] === READ) gpu.read += this.size;
  return mapAsync.apply(this, args);
});

const model = new URL("/fixtures/pipelines/tiny-sd/", location.href).href;
const options = { prompt: "a red apple", seed: 3, height: 16, width: 24, numInferenceSteps: 2 };
const size = 4 * 4 * 2 * 3;

const pipe = await StableDiffusionPipeline.fromPretrained(model, {
  backend: await onnxruntimeWeb({ device: "webgpu" }),
});
const expected = await StableDiffusionPipeline.fromPretrained(model, { device: "wasm" }).then(async (cpu) => {
  const result = await cpu.generate(options);
  await cpu.dispose();
  return result;
});
afterAll(() => pipe.dispose());

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

it("reads nothing back between two steps, and draws the CPU's picture", async () => {
  const reads: number[] = [];
  const run = pipe.stream({ ...options, stepLatents: false });
  let next = await run.next();
  while (!next.done) {
    gpu.read = 0;
    next = await run.next();
    reads.push(gpu.read);
  }
  const { images, latents } = next.value;
  expect(reads.slice(0, -1)).toEqual([0, 0]);
  // at the end the latents and the picture
  expect(reads.at(-1)).toBe(size + 3 * 4 * 16 * 24);
  expect(worst(latents.data, expected.latents.data)).toBeLessThan(1e-3);
  expect(worst(images[0]!.data, expected.images[0]!.data)).toBeLessThanOrEqual(2);
}, 300_000);

it.each([
  ["picture", "left on the device", { stepLatents: false }],
  // decoding is not opened again, which takes long in software
  ["latents", "read at every step", { outputType: "latent" }],
] as const)(
  "ends in the same %s when the device is lost, with latents %s",
  async (_, _place, how) => {
    const told: string[] = [];
    const shown: number[] = [];
    const onWarning = ({ code }: { readonly code: string }) => void told.push(code);
    const run = pipe.stream({ ...options, ...how, onWarning });
    let next = await run.next();
    while (!next.done) {
      shown.push(next.value.index);
      if (next.value.index === 1) gpu.devices.at(-1)!.destroy();
      next = await run.next();
    }
    const { images, latents, warnings } = next.value;
    expect(shown).toEqual([0, 1, 2, 3].slice(0, shown.length));
    expect(told).toEqual(["device-lost"]);
    expect(warnings.map(({ message }) => message)).toEqual([
      "the GPU's device was lost (Device was destroyed.); its networks are opened again, and the run goes on",
    ]);
    expect(worst(latents.data, expected.latents.data)).toBeLessThan(1e-3);
    for (const { data } of images) expect(worst(data, expected.images[0]!.data)).toBeLessThanOrEqual(2);
    expect(images).toHaveLength("outputType" in how ? 0 : 1);
  },
  300_000,
);
