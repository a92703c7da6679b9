// What the examples in doc comments take as given.
import type { readFile as read } from "node:fs/promises";
import type { ModelFile, ModelFiles, RandomSource, Tensor } from "@latentkit/core";
import type { RgbaImage } from "@latentkit/images";
import type { ControlNetModel, T2IAdapter, UNet2DConditionModel } from "@latentkit/models";
import type { Checkpoint } from "@latentkit/onnx";
import type { StableDiffusionPipeline } from "@latentkit/pipelines";
import type { Plan, SamplerState } from "@latentkit/schedulers";
import type { CLIPTokenizer } from "@latentkit/tokenizer";

declare global {
  const readFile: typeof read;
  const file: ModelFile;
  const files: ModelFiles;
  const checkpoint: Checkpoint;
  const pipe: StableDiffusionPipeline;
  const tokenizer: CLIPTokenizer;
  const unet: UNet2DConditionModel;
  const controlNet: ControlNetModel;
  const adapter: T2IAdapter;
  const plan: Plan;
  const state: SamplerState;
  const timestep: number;
  const random: RandomSource;
  const context: Tensor;
  const condition: Tensor;
  const noise: Tensor;
  const modelOutput: Tensor;
  const image: RgbaImage;
  let latents: Tensor;
}
