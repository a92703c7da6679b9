import { type ModelGraph, tensor, torchRandom } from "@latentkit/core";
import type { Session, Value } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { goldenJson } from "../../../tests/golden.js";
import { autoencoderKL, autoencoderKLConfig } from "./autoencoder-kl.js";
import { autoencoderTiny, autoencoderTinyConfig } from "./autoencoder-tiny.js";
import { type Checkpoint, openCheckpoint } from "./checkpoint.js";
import { clipTextConfig, clipTextModel } from "./clip-text-model.js";
import type { GraphOptions } from "./graph-options.js";
import { unfused } from "./operators.js";
import { unet2d } from "./unet-2d.js";
import { unet2dCondition } from "./unet-2d-condition.js";
import { unet2dConditionConfig } from "./unet-2d-condition-config.js";
import { unet2dConfig } from "./unet-2d-config.js";

// ONNX Runtime's CPU kernels take float16 by way of float32, and round some of what lies between
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

/** Lengths of the axes that are known only at run time. */
const AXES: Readonly<Record<string, number>> = { batch: 1, steps: 1, height: 8, width: 16, length: 7, ids: 6 };
const IDS = 6;

type Build = (checkpoint: Checkpoint, config: unknown, options: GraphOptions) => ModelGraph;

const text: Build = (checkpoint, config, options) => clipTextModel(checkpoint, clipTextConfig(config), options);
const unet: Build = (checkpoint, config, options) =>
  unet2dCondition(checkpoint, unet2dConditionConfig(config), options);
const unconditional: Build = (checkpoint, config, options) => unet2d(checkpoint, unet2dConfig(config), options);
const encoder: Build = (checkpoint, config, options) =>
  autoencoderKL(checkpoint, autoencoderKLConfig(config), options).encoder;
const decoder: Build = (checkpoint, config, options) =>
  autoencoderKL(checkpoint, autoencoderKLConfig(config), options).decoder;
const tinyDecoder: Build = (checkpoint, config, options) =>
  autoencoderTiny(checkpoint, autoencoderTinyConfig(config), options).decoder;

/** Values for every input: 1s for a mask, small ids, a timestep in the middle, and noise for the rest. */
function feeds(session: Session, config: Record<string, unknown>): Record<string, Value> {
  const random = torchRandom(1);
  const { projection_class_embeddings_input_dim: joined, addition_time_embed_dim: wave } = config;
  const textWidth = Number(joined) - IDS * Number(wave);
  return Object.fromEntries(
    session.inputs.map(({ name, type, shape }): [string, Value] => {
      const lengths = shape.map((axis) => (typeof axis === "number" ? axis : (AXES[axis] ?? textWidth)));
      const size = lengths.reduce((a, b) => a * b, 1);
      if (name === "timestep") return [name, tensor(Float32Array.of(401), lengths)];
      if (type === "int64") return [name, ndarray(new BigInt64Array(size).fill(3n), lengths)];
      if (type === "float32") return [name, random.normal(lengths)];
      return [name, ndarray(new Int32Array(size).fill(1), lengths)];
    }),
  );
}

async function outputs(folder: string, build: Build, stem: string, options: GraphOptions) {
  const config = goldenJson<Record<string, unknown>>(`${folder}/config.json`);
  const graph = build(await openCheckpoint(fixtureFiles(folder), stem), config, options);
  const session = await backend.createSession(graph);
  const results = await session.run(feeds(session, config));
  await session.dispose();
  return { session, results };
}

const networks: [string, Build, string?][] = [
  ["text_encoder/sd1_quick_gelu", text, "model"],
  ["text_encoder/sdxl2_with_projection", text, "model"],
  ["pipelines/tiny-sd/unet", unet],
  ["pipelines/tiny-sdxl/unet", unet],
  ["pipelines/tiny-lcm-unet", unet],
  ["models/unet_upscaler", unet],
  ["models/unet2d_ddpm", unconditional],
  ["models/unet2d_class", unconditional],
  ["models/unet2d_fourier", unconditional],
  ["models/unet2d_scale_shift", unconditional],
  ["pipelines/tiny-sd/vae", encoder],
  ["pipelines/tiny-sd/vae", decoder],
  ["models/vae_tiny", tinyDecoder],
];

const numbers = (data: ArrayLike<number> | ArrayLike<bigint>): number[] =>
  Array.from<number | bigint, number>(data, Number);
const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));

// measured: 2e-3 to 8e-3 of an output's size
describe.each(networks)("%s in float16", (folder, build, stem = "diffusion_pytorch_model") => {
  it.each([
    ["fused", {}],
    ["standard", { operators: unfused }],
  ])("is near float32, of %s operators, and float32 outside", async (_, options) => {
    const full = await outputs(folder, build, stem, options);
    const half = await outputs(folder, build, stem, { ...options, precision: "fp16" });
    expect(half.session.inputs).toEqual(full.session.inputs);
    for (const [name, { data, shape }] of Object.entries(half.results)) {
      const expected = full.results[name];
      expect([name, data.constructor.name, shape]).toEqual([name, "Float32Array", expected?.shape]);
      const [found, wanted] = [numbers(data), numbers(expected?.data ?? [])];
      const error = norm(found.map((value, i) => value - wanted[i]!)) / norm(wanted);
      expect(error, name).toBeLessThan(0.015);
      expect(Number.isFinite(error), name).toBe(true);
    }
  });
});
