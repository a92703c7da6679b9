import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "@latentkit/hub";
import { openModel } from "@latentkit/hub/node";
import { type Operators, openCheckpoint, unet2dCondition, unet2dConditionConfig, unfused } from "@latentkit/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";

/** Opens the UNet of a checkpoint with nothing between the graph and ONNX Runtime. */
export async function openUNet(
  folder: string,
  operators: Operators,
  options: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const files = await openModel(join(folder, "unet"));
  const config = unet2dConditionConfig(await readJson(files, "config.json"));
  const { graph } = unet2dCondition(await openCheckpoint(files, "diffusion_pytorch_model"), config, operators);
  const session = { model_external_initializers_file_folder_path: join(folder, "unet") };
  return InferenceSession.create(graph, { ...options, extra: { session: { ...session, ...extraSession(options) } } });
}

function extraSession({ extra }: InferenceSession.SessionOptions): object {
  const session: unknown = extra?.session;
  return typeof session === "object" && session !== null ? session : {};
}

/** Writes the UNet as exporters do, `model.onnx` with its weights transposed in a file beside it; once. Returns its path. */
export async function exportUNet(folder: string): Promise<string> {
  const target = `${folder}-exported`;
  const model = join(target, "model.onnx");
  if (existsSync(model)) return model;
  await mkdir(target, { recursive: true });
  const session = await openUNet(folder, unfused, {
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
