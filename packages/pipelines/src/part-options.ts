import { hasNetworkVariant, type LoadOptions } from "@latentkit/models";
import type { PipelineFiles } from "./load-components.js";

/**
 * How to open one part of a checkpoint: as the whole, but by its plain weights where it does not have the variant and
 * another part does, as in Diffusers. A variant that no part has is left for the part to refuse.
 *
 * @param subfolder where the part is, and `others` where its exports are.
 */
export async function partOptions(
  { files, index, options }: PipelineFiles,
  subfolder: string,
  others: readonly string[] = [],
): Promise<LoadOptions> {
  const { variant, ...plain } = options;
  const hasVariant = async (folders: readonly string[]) => {
    if (variant === undefined || files.singleFile) return true;
    for (const folder of folders) if (await hasNetworkVariant(files.at(folder), variant)) return true;
    return false;
  };
  const isElsewhere = !(await hasVariant([subfolder, ...others])) && (await hasVariant(Object.keys(index)));
  if (!isElsewhere) return { ...options, subfolder };
  const message = `${files.location}: ${subfolder} has no weights of variant ${JSON.stringify(variant)}; its plain ones are taken`;
  options.onWarning?.({ code: "ignored-option", message });
  return { ...plain, subfolder };
}
