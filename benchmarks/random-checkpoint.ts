import { existsSync } from "node:fs";
import { join } from "node:path";
import { clipVocabularyFiles } from "../tests/clip-vocabulary.js";
import { type PublishedName, publishedModels } from "./published-models.js";
import { type StoredType, writeTensors } from "./random-tensors.js";
import { controlNetTensors } from "./tensor-table.js";
import { writeJson, writeText } from "./write-text.js";

/**
 * Writes a full-size folder of random weights as Diffusers saves it, once: Stable Diffusion 1.5 takes 4.3 GB in float32, 2.1
 * takes 5.2 GB, XL 6.9 GB in float16.
 */
export async function randomCheckpoint(model: PublishedName, folder: string, type: StoredType): Promise<string> {
  const { networks, tokenizers, scheduler, index } = publishedModels[model];
  if (existsSync(join(folder, "model_index.json"))) return folder;
  for (const [part, { tensors, config }] of Object.entries(networks)) {
    const weights = part.startsWith("text_encoder") ? "model" : "diffusion_pytorch_model";
    await writeTensors(join(folder, part, `${weights}.safetensors`), tensors(), type);
    await writeJson(join(folder, part, "config.json"), config);
  }
  for (const tokenizer of tokenizers)
    for (const [name, text] of Object.entries(clipVocabularyFiles()))
      await writeText(join(folder, tokenizer, name), text);
  await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  await writeJson(join(folder, "model_index.json"), index);
  return folder;
}

/** Writes a full-size ControlNet for Stable Diffusion 1.5 (1.4 GB in float32), once. */
export async function randomControlNet15(folder: string, type: StoredType = "fp32"): Promise<string> {
  if (existsSync(join(folder, "config.json"))) return folder;
  const { unetSizes, networks } = publishedModels.sd15;
  await writeTensors(join(folder, "diffusion_pytorch_model.safetensors"), controlNetTensors(unetSizes), type);
  await writeJson(join(folder, "config.json"), { ...networks.unet.config, _class_name: "ControlNetModel" });
  return folder;
}
