import type { ModelFile, ModelFiles } from "@latentkit/core";
import { readSafetensorsHeader } from "../safetensors.js";
import { describeModel } from "./describe-model.js";
import { findParts } from "./find-parts.js";
import { givenConfigs, isFolder } from "./given-configs.js";
import { absentFolders, partFolders, rootFolder } from "./part-folders.js";
import type { SingleFileModel, SingleFileOptions } from "./single-file-model.js";
import { tokenizerFolders } from "./tokenizer-folders.js";
import { folderTree, jsonFolder } from "./virtual-folder.js";

/** What `singleFileModel` gives. */
export async function seenAsFolder(file: ModelFile, { config }: SingleFileOptions): Promise<SingleFileModel> {
  const header = await readSafetensorsHeader(file);
  const { parts, strays } = findParts(header);
  const description = await describeModel(header, parts, await givenConfigs(config));
  const location = file.name;
  const { configs, family, assumptions } = description;
  const schedulers = ["scheduler", "low_res_scheduler"].flatMap((name): [string, ModelFiles][] => {
    const json = configs.get(name);
    return json ? [[name, jsonFolder(`${location}/${name}`, { "scheduler_config.json": json })]] : [];
  });
  const tokenizers = tokenizerFolders(location, description, config && isFolder(config) ? config : undefined);
  const folders = new Map([...partFolders(location, parts, description), ...schedulers, ...tokenizers]);
  const absent = new Map(absentFolders(location, parts, description));
  return {
    ...folderTree(rootFolder(location, parts, description), folders, absent),
    family,
    parts: [...parts.keys()],
    strayTensors: strays,
    assumptions,
  };
}
