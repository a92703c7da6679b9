import { LatentKitError } from "@latentkit/core";
import { T2IAdapter } from "@latentkit/models";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { ComponentSpec, PipelineFiles } from "./load-components.js";
import { partOptions } from "./part-options.js";

/** One, or several that steer together. */
export type Adapters = T2IAdapter | readonly T2IAdapter[];

/** What steers, beside the parts of the pipeline that is steered. */
export interface AdapterParts {
  readonly adapter: Adapters;
}

/** As a list. */
export const adapterList = (adapter: Adapters): readonly T2IAdapter[] => ("features" in adapter ? [adapter] : adapter);

/** In `adapter/`. */
export const adapter: ComponentSpec<Adapters> = {
  find(checkpoint: PipelineFiles) {
    const entry = checkpoint.index.adapter;
    const name: unknown = Array.isArray(entry) ? entry[1] : undefined;
    if (name === "T2IAdapter")
      return async () => T2IAdapter.fromPretrained(checkpoint.files, await partOptions(checkpoint, "adapter"));
    const found = name === "MultiAdapter" ? "has several adapters" : "has no adapter";
    throw new LatentKitError(
      "unsupported-model",
      `model_index.json: the checkpoint ${found}; open what steers, and give it in the options: { adapter: await T2IAdapter.fromPretrained(…) }`,
    );
  },
};

/**
 * Adapters add to the states of UNets of one form.
 *
 * @throws LatentKitError `"unsupported-model"` when there is none, or one for another family of models.
 */
export function checkAdapterFit({ config }: ConditionalUNet, adapter: Adapters): void {
  const adapters = adapterList(adapter);
  if (adapters.length === 0) throw new LatentKitError("unsupported-model", "adapter: expected at least one, got none");
  const { downBlocks } = config;
  const wanted = [...downBlocks, downBlocks.at(-1)!].map(({ channels }) => channels);
  for (const { channels } of adapters.map((network) => network.config)) {
    const fits = channels.length >= downBlocks.length && channels.every((count, i) => count === wanted[i]);
    if (fits) continue;
    const problem = `channels: the adapter gives ${channels.join(", ")}, the unet has ${wanted.slice(0, -1).join(", ")}`;
    throw new LatentKitError("unsupported-model", `${problem}; take an adapter made for this family of models`);
  }
}
