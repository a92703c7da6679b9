import { LatentKitError } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { goldenJson } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { autoencoderKL, autoencoderKLConfig } from "./autoencoder-kl.js";
import { autoencoderTiny, autoencoderTinyConfig } from "./autoencoder-tiny.js";
import { type Checkpoint, openCheckpoint } from "./checkpoint.js";
import { clipTextConfig, clipTextModel } from "./clip-text-model.js";
import { unet2dCondition } from "./unet-2d-condition.js";
import { unet2dConditionConfig } from "./unet-2d-condition-config.js";
import { Weights } from "./weights.js";

const shapes = { "mid.norm.weight": [8], "mid.norm.bias": [8], "mid.conv.weight": [8, 4, 1, 1], "mid.normal": [2] };

async function weights(): Promise<Weights> {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += shape.reduce((size, axis) => size * axis, 1);
    return [name, { dtype: "U8", shape, data_offsets: [begin, end] }];
  });
  const bytes = safetensorsBytes(Object.fromEntries(entries), new Uint8Array(end));
  return new Weights(await openCheckpoint(memoryFiles({ "w.safetensors": bytes }), "w"));
}

describe("Weights", () => {
  it("address a module's tensors, and remember which were taken", async () => {
    const w = await weights();
    const norm = w.at("mid").at("norm");
    expect(norm.path).toBe("mid.norm");
    expect(norm.tensor("weight", [8]).name).toBe("mid.norm.weight");
    expect(w.at("mid.conv").tensor("weight", [null, 4, 1, 1]).shape).toEqual([8, 4, 1, 1]);
    expect(w.unused()).toEqual(["mid.norm.bias", "mid.normal"]);
  });

  it("tell tensors and modules from those that merely begin alike", async () => {
    const mid = (await weights()).at("mid");
    expect(["norm", "norm.weight", "normal", "nor", "norma", "conv.bias"].map((name) => mid.has(name))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it("name what is missing", async () => {
    const w = await weights();
    expect(() => w.at("mid.conv").tensor("bias", [8])).toThrow(
      new LatentKitError(
        "invalid-checkpoint",
        "w.safetensors: the tensor mid.conv.bias is missing; is config.json the one of this checkpoint?",
      ),
    );
    expect(w.unused()).toHaveLength(4);
  });

  it("name what has another shape", async () => {
    const w = await weights();
    expect(() => w.at("mid.conv").tensor("weight", [8, null, 3, 3])).toThrow(
      "w.safetensors: the tensor mid.conv.weight has shape [8, 4, 1, 1], expected [8, any, 3, 3]",
    );
    expect(() => w.at("mid.norm").tensor("weight", [8, 1])).toThrow("has shape [8], expected [8, 1]");
  });
});

interface Network {
  readonly name: string;
  readonly folder: string;
  readonly stem: string;
  readonly build: (checkpoint: Checkpoint, json: unknown) => { readonly unusedTensors: readonly string[] };
}

const unet: Network["build"] = (checkpoint, json) => unet2dCondition(checkpoint, unet2dConditionConfig(json));
const vae: Network["build"] = (checkpoint, json) => autoencoderKL(checkpoint, autoencoderKLConfig(json));
const stem = "diffusion_pytorch_model";
const networks: Network[] = [
  { name: "UNet of SD 1", folder: "pipelines/tiny-sd/unet", stem, build: unet },
  { name: "UNet of SD 2", folder: "models/unet_sd2", stem, build: unet },
  { name: "UNet of SDXL", folder: "pipelines/tiny-sdxl/unet", stem, build: unet },
  { name: "distilled UNet", folder: "pipelines/tiny-lcm-unet", stem, build: unet },
  { name: "UNet with labels", folder: "models/unet_upscaler", stem, build: unet },
  { name: "AutoencoderKL", folder: "pipelines/tiny-sd/vae", stem, build: vae },
  { name: "AutoencoderKL of 2022", folder: "models/vae_oldkeys", stem, build: vae },
  {
    name: "AutoencoderTiny",
    folder: "models/vae_tiny",
    stem,
    build: (checkpoint, json) => autoencoderTiny(checkpoint, autoencoderTinyConfig(json)),
  },
  {
    name: "CLIPTextModel",
    folder: "text_encoder/sdxl2_with_projection",
    stem: "model",
    build: (checkpoint, json) => clipTextModel(checkpoint, clipTextConfig(json)),
  },
];

/** A projection that is absent makes another model, which is none the worse. */
const optional = (name: string): boolean => name.startsWith("text_projection") || name.endsWith("position_ids");

/** The last of the names that differ in their numbers only. */
function oneOfEach(names: readonly string[]): string[] {
  return [...new Map(names.map((name) => [name.replaceAll(/\d+/g, "#"), name])).values()];
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return LatentKitError.isInstance(error) && error.code === "invalid-checkpoint"
      ? error.message
      : `wrong kind: ${error}`;
  }
  return "nothing was thrown";
}

describe.each(networks)("the $name", async ({ folder, stem, build }) => {
  const checkpoint = await openCheckpoint(fixtureFiles(folder), stem);
  const json = goldenJson<Record<string, unknown>>(`${folder}/config.json`);
  const names = oneOfEach([...checkpoint.tensors.keys()].filter((name) => !optional(name)));
  const without = (name: string) => new Map([...checkpoint.tensors].filter(([key]) => key !== name));

  it("takes every tensor of its checkpoint", () => {
    expect(build(checkpoint, json).unusedTensors).toEqual([]);
  });

  it("tells of tensors that it has no place for", () => {
    const stray = { ...checkpoint.tensors.get(names[0]!)!, name: "stray.weight" };
    const tensors = new Map([...checkpoint.tensors, ["stray.weight", stray]]);
    expect(build({ ...checkpoint, tensors }, json).unusedTensors).toEqual(["stray.weight"]);
  });

  it("names whichever tensor is missing", () => {
    const silent = names.filter((name) => {
      const message = messageOf(() => build({ ...checkpoint, tensors: without(name) }, json));
      // the old names of a module are told by their first one
      return !message.includes(`the tensor ${name} is missing`) && !name.endsWith("query.weight");
    });
    expect(silent).toEqual([]);
  });

  it("names whichever tensor has another shape", () => {
    const silent = names.filter((name) => {
      const tensor = checkpoint.tensors.get(name)!;
      // as many values, so that nothing else can notice
      const shape =
        tensor.shape.length === 1
          ? [1, ...tensor.shape]
          : [tensor.shape[0]! / 2, tensor.shape[1]! * 2, ...tensor.shape.slice(2)];
      const tensors = new Map([...checkpoint.tensors, [name, { ...tensor, shape }]]);
      return !messageOf(() => build({ ...checkpoint, tensors }, json)).includes(`the tensor ${name} has shape`);
    });
    expect(silent).toEqual([]);
  });
});

it("group norms and attention refuse numbers that do not divide", async () => {
  const checkpoint = await openCheckpoint(fixtureFiles("pipelines/tiny-sd/unet"), stem);
  const json = goldenJson<Record<string, unknown>>("pipelines/tiny-sd/unet/config.json");
  expect(() => unet(checkpoint, { ...json, norm_num_groups: 3 })).toThrow(
    "norm_num_groups is 3, which does not divide 8 channels",
  );
  expect(() => unet(checkpoint, { ...json, attention_head_dim: 3 })).toThrow(
    "3 attention heads do not divide 8 features",
  );
});
