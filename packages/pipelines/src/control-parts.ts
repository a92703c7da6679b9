import { LatentKitError } from "@latentkit/core";
import { ControlNetModel } from "@latentkit/models";
import type { ConditionalUNet } from "./conditional-unet.js";
import { type ControlNets, controlNetList } from "./control-request.js";
import type { ComponentSpec, PipelineFiles } from "./load-components.js";
import { partOptions } from "./part-options.js";

/** What steers, beside the parts of the pipeline that is steered. */
export interface ControlParts {
  /** One, or several that steer together. */
  readonly controlnet: ControlNets;
}

/** In `controlnet/`; several are in `controlnet/`, `controlnet_1/`, … */
export const controlnet: ComponentSpec<ControlNets> = {
  find(checkpoint) {
    const open = async (subfolder: string) =>
      ControlNetModel.fromPretrained(checkpoint.files, await partOptions(checkpoint, subfolder));
    switch (classOfControlNet(checkpoint)) {
      case "ControlNetModel":
        return () => open("controlnet");
      case "MultiControlNetModel":
        return () => openAll(checkpoint, open);
      default:
        throw new LatentKitError(
          "unsupported-model",
          "model_index.json: the checkpoint has no ControlNet; open one, and give it in the options: { controlnet: await ControlNetModel.fromPretrained(…) }",
        );
    }
  },
};

function classOfControlNet({ index: { controlnet: entry } }: PipelineFiles): unknown {
  return Array.isArray(entry) ? entry[1] : undefined;
}

async function openAll(
  { files }: PipelineFiles,
  open: (subfolder: string) => Promise<ControlNetModel>,
): Promise<readonly ControlNetModel[]> {
  const opened: ControlNetModel[] = [];
  try {
    for (let folder = "controlnet"; await files.find(`${folder}/config.json`); ) {
      opened.push(await open(folder));
      folder = `controlnet_${opened.length}`;
    }
    return opened;
  } catch (error) {
    await Promise.all(opened.map((network) => network.dispose()));
    throw error;
  }
}

/**
 * ControlNets copy the way down of one UNet, and fit only UNets of its form.
 *
 * @throws LatentKitError `"unsupported-model"` when there is none, or one for another family of models.
 */
export function checkControlFit(unet: ConditionalUNet, controlnet: ControlNets): void {
  const networks = controlNetList(controlnet);
  if (networks.length === 0)
    throw new LatentKitError("unsupported-model", "controlnet: expected at least one, got none");
  for (const { config } of networks) {
    const pairs = [
      ["features per token", config.crossAttentionDim, unet.config.crossAttentionDim],
      ["features of sizes and pooled text", config.textTime?.inputDim ?? 0, unet.config.textTime?.inputDim ?? 0],
      ["layers on the way down", channels(config), channels(unet.config)],
    ] as const;
    for (const [what, found, wanted] of pairs) {
      if (found === wanted) continue;
      const problem = `${what}: the ControlNet has ${found}, the unet ${wanted}`;
      throw new LatentKitError("unsupported-model", `${problem}; take a ControlNet made for this family of models`);
    }
  }
}

/** Channels of each resolution, as often as it has layers. */
function channels({ downBlocks, layersPerBlock }: Pick<ConditionalUNet["config"], "downBlocks" | "layersPerBlock">) {
  return downBlocks.map((block, i) => `${layersPerBlock[i]} of ${block.channels}`).join(", ");
}
