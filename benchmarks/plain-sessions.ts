import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "@latentkit/hub";
import { openModel } from "@latentkit/hub/node";
import {
  clipTextConfig,
  clipTextModel,
  type Operators,
  openCheckpoint,
  unet2dCondition,
  unet2dConditionConfig,
  unfused,
} from "@latentkit/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";

/** The networks that a run needs before its first step. */
export type Part = "unet" | "text_encoder";

async function graphOf(folder: string, part: Part, operators: Operators): Promise<Uint8Array> {
  const files = await openModel(join(folder, part));
  const config = await readJson(files, "config.json");
  if (part === "text_encoder")
    return clipTextModel(await openCheckpoint(files, "model"), clipTextConfig(config), { operators }).graph;
  const checkpoint = await openCheckpoint(files, "diffusion_pytorch_model");
  return unet2dCondition(checkpoint, unet2dConditionConfig(config), { operators }).graph;
}

/** Opens a network of a checkpoint with nothing between the graph and ONNX Runtime. */
export async function openPart(
  folder: string,
  part: Part,
  operators: Operators,
  options: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const session = { model_external_initializers_file_folder_path: join(folder, part), ...sessionEntries(options) };
  return InferenceSession.create(await graphOf(folder, part, operators), { ...options, extra: { session } });
}

function sessionEntries({ extra }: InferenceSession.SessionOptions): object {
  const session: unknown = extra?.session;
  return typeof session === "object" && session !== null ? session : {};
}

/** Writes a network as exporters do, `model.onnx` with its weights transposed in a file beside it; once. Returns its path. */
export async function exportPart(folder: string, part: Part): Promise<string> {
  const target = join(`${folder}-exported`, part);
  const model = join(target, "model.onnx");
  if (existsSync(model)) return model;
  await mkdir(target, { recursive: true });
  const session = await openPart(folder, part, unfused, {
    graphOptimizationLevel: "basic",
    optimizedModelFilePath: `${model}.part`,
    extra: {
      session: {
        optimized_model_external_initializers_file_name: "model.onnx_data",
        optimized_model_external_initializers_min_size_in_bytes: "1024",
      },
    },
  });
  await session.release();
  await rename(`${model}.part`, model);
  return model;
}

/** One guided step's inputs: two texts, latents of a picture of this size. */
export function guidedFeeds(pixels: number): InferenceSession.FeedsType {
  const side = pixels / 8;
  const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898));
  return {
    sample: new Tensor("float32", wave(2 * 4 * side * side), [2, 4, side, side]),
    timestep: new Tensor("float32", [500], [1]),
    encoder_hidden_states: new Tensor("float32", wave(2 * 77 * 768), [2, 77, 768]),
  };
}
