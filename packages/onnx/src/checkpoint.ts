import { LatentKitError, type ModelFile, type ModelFiles } from "@latentkit/core";
import { type CheckpointTensor, readSafetensorsHeader } from "./safetensors.js";

/** The tensors of one network, in one file or several. */
export interface Checkpoint {
  /** Where it is, for messages. */
  readonly location: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly files: readonly ModelFile[];
}

export async function openCheckpoint(files: ModelFiles, stem: string, variant?: string): Promise<Checkpoint> {
  const file = await files.find(variant ? `${stem}.${variant}.safetensors` : `${stem}.safetensors`);
  if (!file) throw new LatentKitError("file-not-found", `${files.location}: no ${stem}.safetensors`);
  const tensors = await readSafetensorsHeader(file);
  return { location: file.name, tensors: new Map(tensors.map((t) => [t.name, t])), files: [file] };
}
