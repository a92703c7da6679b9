import { LatentKitError } from "@latentkit/core";
import type { Checkpoint } from "../checkpoint.js";
import type { CheckpointTensor, SafetensorsHeader } from "../safetensors.js";
import { refuseForeign } from "./foreign-contents.js";
import { loneLayouts, type ModelPart, type PartLayout, prefixedLayouts } from "./part-layouts.js";

/** A network of a file, under Diffusers' names. */
export interface FoundPart {
  readonly layout: PartLayout;
  readonly checkpoint: Checkpoint;
}

/** The networks of a file, and the tensors that belong to none. */
export interface FoundParts {
  readonly parts: ReadonlyMap<ModelPart, FoundPart>;
  readonly strays: readonly string[];
}

/** What files hold beside their networks: training's average, tables of noise, CLIP's temperature, marks read elsewhere. */
const BESIDE = new RegExp(
  [
    /^model_ema\./,
    /^(?:sqrt_|log_)?(?:one_minus_)?(?:recipm?1?_)?alphas_cumprod(?:_prev)?$/,
    /^(?:betas|posterior_\w+|lvlb_weights|logvar|scale_factor|global_step|v_pred|ztsnr)$/,
    /^(?:cond_stage_model|conditioner\.embedders\.\d)\.(?:logit_scale|text_projection(?:\.weight)?)$/,
    /^(?:denoiser|low_scale_model)\./,
  ]
    .map(({ source }) => source)
    .join("|"),
);

/**
 * Tells from the names of its tensors which networks a file holds.
 *
 * @throws LatentKitError `"unsupported-model"` when there are none that are known, saying what it is instead.
 */
export function findParts({ file, tensors }: SafetensorsHeader): FoundParts {
  const names = [...tensors.keys()];
  const layouts = layoutsOf(tensors);
  // a moving average may lie beside a model, or alone
  refuseForeign(file.name, layouts.length > 0 ? names.filter((name) => !BESIDE.test(name)) : names);
  if (layouts.length === 0) throw unknownContents(file.name, names);
  const parts = layouts.map((layout): [ModelPart, FoundPart] => [
    layout.part,
    { layout, checkpoint: { location: file.name, tensors: renamedTensors(tensors, layout), files: [file] } },
  ]);
  const isTaken = (name: string) => BESIDE.test(name) || layouts.some(({ prefix }) => name.startsWith(prefix));
  return { parts: new Map(parts), strays: names.filter((name) => !isTaken(name)) };
}

function layoutsOf(tensors: ReadonlyMap<string, CheckpointTensor>): readonly PartLayout[] {
  const isThere = ({ prefix, signs }: PartLayout) => signs.every((sign) => tensors.has(prefix + sign));
  const prefixed = prefixedLayouts.filter(isThere);
  const found = prefixed.length > 0 ? prefixed : loneLayouts.filter(isThere).slice(0, 1);
  return found.filter(({ part }, i) => found.findIndex((other) => other.part === part) === i);
}

/** The tensors of one network by their new names; what its layout does not know stays under its own, to be reported. */
function renamedTensors(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  { prefix, keyMap }: PartLayout,
): ReadonlyMap<string, CheckpointTensor> {
  const own = [...tensors].filter(([name]) => name.startsWith(prefix) && !BESIDE.test(name));
  const map = keyMap(own.map(([name]) => name.slice(prefix.length)));
  const renamed = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of own) {
    const targets = map(name.slice(prefix.length), tensor) ?? [tensor];
    const isNew = targets.every((target) => !renamed.has(target.name));
    for (const target of isNew ? targets : [tensor]) renamed.set(target.name, target);
  }
  return renamed;
}

function unknownContents(location: string, names: readonly string[]): LatentKitError {
  const some = names.length > 3 ? [...names.slice(0, 3), "…"] : names;
  const known = "Stable Diffusion 1, 2 or XL, a UNet, a VAE, a text encoder or a ControlNet";
  const problem = `${location} holds no model that is known (its tensors: ${some.join(", ")})`;
  return new LatentKitError("unsupported-model", `${problem}; a single file can be ${known}`);
}
