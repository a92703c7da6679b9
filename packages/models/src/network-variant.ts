import type { ModelFile, ModelFiles } from "@latentkit/core";
import { hasVariant } from "@latentkit/onnx";

/** What Diffusers and transformers call the weights of a network. */
const STEMS = ["diffusion_pytorch_model", "model"];

/** Whether a network's folder has weights of a variant, in a checkpoint or an ONNX export. */
export async function hasNetworkVariant(files: ModelFiles, variant: string): Promise<boolean> {
  for (const stem of STEMS) if (await hasVariant(files, stem, variant)) return true;
  return (await firstOf(files, namesOf(variant))) !== undefined;
}

/** What exporters call the ONNX file of a variant. */
export function namesOf(variant: string): readonly string[] {
  return [`model_${variant}.onnx`, `model.${variant}.onnx`];
}

/** The first of these files that there is. */
export async function firstOf(files: ModelFiles, names: readonly string[]): Promise<ModelFile | undefined> {
  for (const name of names) {
    const file = await files.find(name);
    if (file) return file;
  }
  return undefined;
}
