import { join } from "node:path";
import { readJson } from "@latentkit/hub";
import { openModel } from "@latentkit/hub/node";
import {
  autoencoderKL,
  autoencoderKLConfig,
  type Checkpoint,
  clipTextConfig,
  clipTextModel,
  type GraphOptions,
  openCheckpoint,
  operatorsFor,
  type UNet2DConditionConfig,
  unet2dCondition,
  unet2dConditionConfig,
  unfused,
} from "@latentkit/onnx";
import type { AxisLengths } from "./sized-graph.js";

/** What a picture is made by: encoding its texts, guided steps, decoding. */
export type Stage = "text" | "step" | "decode";

/** How its networks are built. */
export type Variant = "ours" | "unfused";

/** A network of a stage. */
export interface StageNetwork {
  /** The folder of its weights. */
  readonly folder: string;
  readonly graph: Uint8Array;
  /** What is computed once per run, for the inputs that it names. */
  readonly once?: Uint8Array;
  /** Which outputs the pipelines fetch. @default all */
  readonly outputs?: readonly string[];
  /** Sizes of the inputs for one picture: two texts, and latents for both; the autoencoder has one. */
  readonly axes: AxisLengths;
}

/** What to open. */
export interface StageRequest {
  /** Of a checkpoint as Diffusers saves it. */
  readonly folder: string;
  readonly stage: Stage;
  readonly variant: Variant;
  readonly device: string;
  readonly precision: "fp32" | "fp16";
  /** Side of the picture. */
  readonly pixels: number;
}

const readers: Readonly<Record<Stage, (request: StageRequest) => Promise<StageNetwork[]>>> = {
  text: async (request) => {
    const files = await openModel(request.folder);
    const second = await files.find("text_encoder_2/config.json");
    const parts = second ? ["text_encoder", "text_encoder_2"] : ["text_encoder"];
    return Promise.all(parts.map((part) => textEncoder(request, part)));
  },
  step: async (request) => {
    const { folder, checkpoint, config } = await part(request, "unet", "diffusion_pytorch_model");
    // exporters put the text's keys and values into every step
    const textApart = request.variant === "ours";
    const options = { ...(await graphOptions(request)), textApart };
    const read = unet2dConditionConfig(config);
    const { graph, text } = unet2dCondition(checkpoint, read, options);
    const axes = { ...latentAxes(request), batch: 2, length: LENGTH, steps: 1, ...addedAxes(read) };
    return [{ folder, graph, axes, ...(text && { once: text.graph }) }];
  },
  decode: async (request) => {
    const { folder, checkpoint, config } = await part(request, "vae", "diffusion_pytorch_model");
    // SDXL's leaves float16's range
    const options = { ...(await graphOptions(request)), precision: "fp32" } as const;
    const { decoder } = autoencoderKL(checkpoint, autoencoderKLConfig(config), options);
    return [{ folder, graph: decoder.graph, axes: { ...latentAxes(request), batch: 1 } }];
  },
};

/** The networks of a stage, as graphs. */
export const stageNetworks = (request: StageRequest): Promise<StageNetwork[]> => readers[request.stage](request);

/** Tokens of a text. */
const LENGTH = 77;
/** Sizes and places of a picture that SDXL is told. */
const IDS = 6;

const latentAxes = ({ pixels }: StageRequest): AxisLengths => ({ height: pixels / 8, width: pixels / 8 });

function addedAxes({ textTime }: UNet2DConditionConfig): AxisLengths {
  return textTime ? { ids: IDS, text_width: textTime.inputDim - IDS * textTime.timeEmbedDim } : {};
}

async function textEncoder(request: StageRequest, name: string): Promise<StageNetwork> {
  const { folder, checkpoint, config } = await part(request, name, "model");
  const { graph, outputs } = clipTextModel(checkpoint, clipTextConfig(config), await graphOptions(request));
  const wanted = outputs.map((output) => output.name).filter((output) => !/states\.\d/.test(output));
  return { folder, graph, outputs: wanted, axes: { batch: 2, length: LENGTH } };
}

interface Part {
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  readonly config: unknown;
}

async function part({ folder: root }: StageRequest, name: string, weights: string): Promise<Part> {
  const folder = join(root, name);
  const files = await openModel(folder);
  return { folder, checkpoint: await openCheckpoint(files, weights), config: await readJson(files, "config.json") };
}

async function graphOptions({ variant, device, precision }: StageRequest): Promise<GraphOptions> {
  return { operators: variant === "ours" ? await operatorsFor(device) : unfused, precision };
}
