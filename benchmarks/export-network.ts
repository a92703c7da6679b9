import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Stage, stageNetworks } from "./network-stages.js";
import { openGraph } from "./open-network.js";

/** Writes the network of a stage as exporters do, `model.onnx` with its weights transposed in a file beside it; once. Returns its path. */
export async function exportNetwork(checkpoint: string, stage: Stage): Promise<string> {
  const request = {
    folder: checkpoint,
    stage,
    variant: "unfused",
    device: "cpu",
    precision: "fp32",
    pixels: 256,
  } as const;
  const [network] = await stageNetworks(request);
  if (!network) throw new RangeError(`stage: expected one with a network, got ${stage}`);
  const target = join(`${checkpoint}-exported`, basename(network.folder));
  const model = join(target, "model.onnx");
  if (existsSync(model)) return model;
  await mkdir(target, { recursive: true });
  const session = await openGraph(
    network.folder,
    network.graph,
    { graphOptimizationLevel: "basic", optimizedModelFilePath: `${model}.part` },
    {
      optimized_model_external_initializers_file_name: "model.onnx_data",
      optimized_model_external_initializers_min_size_in_bytes: "1024",
    },
  );
  await session.release();
  await rename(`${model}.part`, model);
  return model;
}
