import type { ModelFile, ModelFiles } from "@latentkit/core";
import { type ModelSource, openSource } from "@latentkit/hub";
import { type ModelPart, type SingleFileModel, singleFileModel } from "@latentkit/onnx";
import { listedNames } from "./listed-names.js";
import type { LoadOptions } from "./load-options.js";

/**
 * The files of a source, wherever they are; a single file is seen as the folder that Diffusers would have made of it.
 * `subfolder` names one part's folder inside; without it, a runner finds the first of its `parts` in a single file.
 */
export async function openFiles(
  source: ModelSource,
  options: LoadOptions,
  parts: readonly ModelPart[] = [],
): Promise<ModelFiles> {
  const { subfolder } = options;
  const files = await openSource(source, options);
  if (!files.singleFile) {
    if (options.config !== undefined && !isOpen(source)) warnOfConfig(files, options);
    return files;
  }
  const model = await openSingleFile(files.singleFile, options);
  const folder = subfolder ?? parts.find((part) => model.parts.includes(part)) ?? parts[0];
  warnOfAssumptions(model, folder, options);
  return folder === undefined ? model : model.at(folder);
}

async function openSingleFile(file: ModelFile, options: LoadOptions): Promise<SingleFileModel> {
  // these say which weights to take
  const { config, revision: _revision, subfolder: _subfolder, variant: _variant, ...rest } = options;
  return singleFileModel(file, {
    config: isSource(config) ? await openSource(config, { ...rest, settingsOnly: true }) : config,
  });
}

/** Whether configurations are to be read rather than given. */
function isSource(config: LoadOptions["config"]): config is Exclude<ModelSource, undefined> {
  return typeof config === "string" || config instanceof URL;
}

/** Parts of an open model are opened with the options of the whole. */
function isOpen(source: ModelSource): boolean {
  return typeof source === "object" && !(source instanceof URL);
}

function warnOfConfig({ location }: ModelFiles, { onWarning }: LoadOptions): void {
  onWarning?.({ code: "ignored-option", message: `config: ${location} has configurations of its own` });
}

function warnOfAssumptions(model: SingleFileModel, folder: string | undefined, { onWarning }: LoadOptions): void {
  const { location, strayTensors, assumptions } = model;
  for (const [name, message] of assumptions)
    if (folder === undefined || folder === name)
      onWarning?.({ code: "assumed-setting", message: `${location}: ${message}` });
  if (strayTensors.length === 0) return;
  const message = `${location}: no network has a place for ${listedNames(strayTensors)}`;
  onWarning?.({ code: "unused-tensors", message });
}
