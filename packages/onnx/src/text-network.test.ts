import { expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { goldenJson } from "../../../tests/golden.js";
import { type Checkpoint, openCheckpoint } from "./checkpoint.js";
import { controlNetConfig } from "./controlnet-config.js";
import { controlNetModel } from "./controlnet-model.js";
import type { TextNetwork, TextNetworkOptions } from "./text-network.js";
import { unet2dCondition } from "./unet-2d-condition.js";
import { unet2dConditionConfig } from "./unet-2d-condition-config.js";
import { unet2dShallow } from "./unet-2d-shallow.js";

type Build = (checkpoint: Checkpoint, json: unknown, options: TextNetworkOptions) => TextNetwork;
const unet: Build = (checkpoint, json, options) => unet2dCondition(checkpoint, unet2dConditionConfig(json), options);
const shallow =
  (branch: number): Build =>
  (checkpoint, json, options) =>
    unet2dShallow(checkpoint, unet2dConditionConfig(json), branch, options);
const controlNet: Build = (checkpoint, json, options) => controlNetModel(checkpoint, controlNetConfig(json), options);

const namesOf = (values: readonly { readonly name: string }[]) => values.map(({ name }) => name);

// attentions that look at the text: `attn2` of every transformer block, and `attn1` whose to_k is as wide as the text
it.each([
  ["Stable Diffusion 1", "pipelines/tiny-sd/unet", unet, 16],
  ["a shallow part of it", "pipelines/tiny-sd/unet", shallow(0), 1],
  ["Stable Diffusion XL", "pipelines/tiny-sdxl/unet", unet, 28],
  ["a part of it without cross-attention", "pipelines/tiny-sdxl/unet", shallow(0), 0],
  ["a UNet whose first attentions look at it too", "models/unet_upscaler", unet, 10 + 6],
  ["a ControlNet", "pipelines/tiny-controlnet", controlNet, 7],
  ["a ControlNet without attention", "models/controlnet_small", controlNet, 0],
] as const)("%s is told the text by a graph apart", async (_, folder, build, layers) => {
  const checkpoint = await openCheckpoint(fixtureFiles(folder), "diffusion_pytorch_model");
  const config = goldenJson(`${folder}/config.json`);
  const whole = build(checkpoint, config, {});
  const { text, ...network } = build(checkpoint, config, { textApart: true });
  expect(network.unusedTensors).toEqual(whole.unusedTensors);
  expect(namesOf(network.outputs)).toEqual(namesOf(whole.outputs));
  const made = namesOf(text?.outputs ?? []);
  expect(made.length).toBe(2 * layers);
  const others = namesOf(network.inputs).filter((name) => !made.includes(name));
  const own = namesOf(text?.inputs ?? []);
  expect([...others, ...own].sort()).toEqual(namesOf(whole.inputs).sort());
  expect(namesOf(network.inputs)).toEqual(expect.arrayContaining(made));
  expect(own).toEqual(layers > 0 ? ["encoder_hidden_states"] : []);
  expect(whole.text).toBeUndefined();
});
