import { concat, contiguous, slice, split, type Tensor } from "@latentkit/core";
import type { UNet2DConditionModel, UNetConditions } from "@latentkit/models";
import { type Guidance, type Predictions, rescaled } from "./guidance.js";
import { once } from "./once.js";

/** A network as guidance calls it: the UNet itself, or one with something put before it. */
export type Predictor = Pick<UNet2DConditionModel, "predict"> & Partial<Pick<UNet2DConditionModel, "split" | "device">>;

/** What else the guided prediction may be told. */
export interface GuidedOptions {
  /** φ of Lin et al. 2024, §3.4: how much of the conditional prediction's contrast to restore, 0 to 1. @default 0 */
  readonly guidanceRescale?: number;
  /** What the network is told beside the text: for each item of the batch, or for each of the context. */
  readonly conditions?: UNetConditions;
  /** Whether the parts of the context are run one after another: half the memory beside the weights, and hardly slower on a CPU. @default false */
  readonly sequential?: boolean | undefined;
}

/**
 * The network's prediction with guidance, by a scale s that of `classifierFree`: ε = ε_∅ + s·(ε_c − ε_∅), none at s ≤ 1.
 *
 * @param sample noisy latents after `scaleModelInput`, `[batch, channels, height, width]`.
 * @param context texts: the negative prompts' first, then the prompts', `[2 · batch, length, width]`; or the prompts' alone, `[batch, length, width]`, which is no guidance either.
 * @param guidance the scale s, or a guidance of another kind.
 * @throws RangeError when the batches do not fit.
 * @example
 * ```ts
 * const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, 7.5);
 * ```
 */
export async function guided(
  unet: Predictor,
  sample: Tensor,
  timestep: number,
  context: Tensor,
  guidance: number | Guidance,
  { guidanceRescale = 0, conditions = {}, sequential = false }: GuidedOptions = {},
): Promise<Tensor> {
  const items = contiguous(sample);
  const guide = typeof guidance === "number" ? rescaled(guidance, guidanceRescale) : guidance;
  const input = { items, repeated: (parts: number) => concat(new Array<Tensor>(parts).fill(items)), split };
  return guide(predictionsOf(unet, input, timestep, context, { conditions, sequential }));
}

/** What the predictions of a step are made from. */
export interface PredictionInput {
  readonly items: Tensor;
  /** The items once for every part of the context. */
  repeated(parts: number): Tensor;
  /** What the network made of those, part by part. */
  split(prediction: Tensor, parts: number): readonly Tensor[];
}

/** How many texts the context has for each item. @throws RangeError when they do not come out even. */
export function partsOf(sample: Tensor, context: Tensor): number {
  const [batch = 0] = sample.shape;
  const [texts = 0] = context.shape;
  if (texts > 0 && texts % batch === 0) return texts / batch;
  throw new RangeError(`context: expected ${batch} texts, or ${2 * batch} for guidance, got ${texts}`);
}

/** The network's predictions at one step, each made when it is first asked for. */
export function predictionsOf(
  unet: Predictor,
  { items, repeated, split: cut }: PredictionInput,
  timestep: number,
  context: Tensor,
  { conditions = {}, sequential = false }: Pick<GuidedOptions, "conditions" | "sequential">,
): Predictions {
  const parts = partsOf(items, context);
  const [batch = 0] = items.shape;
  const texts = parts * batch;
  const prompts = lastItems(contiguous(context), batch);
  return {
    timestep,
    parts,
    ...askedOnce({
      conditional: () => unet.predict(items, timestep, prompts, conditionsFor(conditions, batch)),
      perturbed: () =>
        unet.predict(items, timestep, prompts, { ...conditionsFor(conditions, batch), perturbedAttention: true }),
      all: async () => {
        if (sequential) return inSequence(unet, items, timestep, contiguous(context), conditionsFor(conditions, texts));
        return cut(await unet.predict(repeated(parts), timestep, context, conditionsFor(conditions, texts)), parts);
      },
    }),
  };
}

/** The prediction for each part of the context, one run after another. */
async function inSequence(
  unet: Predictor,
  items: Tensor,
  timestep: number,
  context: Tensor,
  conditions: UNetConditions,
): Promise<readonly Tensor[]> {
  const [batch = 0] = items.shape;
  const [texts = 0] = context.shape;
  const predictions: Tensor[] = [];
  for (let from = 0; from < texts; from += batch) {
    const part = conditionsOf(conditions, from, from + batch);
    predictions.push(await unet.predict(items, timestep, slice(context, from, from + batch), part));
  }
  return predictions;
}

/** Conditions of some items of the context. */
const conditionsOf = (conditions: UNetConditions, from: number, to: number): UNetConditions =>
  withRows(
    conditions,
    (value) => slice(value, from, to),
    (labels) => labels.slice(from, to),
  );

type Asked = Pick<Predictions, "conditional" | "all" | "perturbed">;

/** Guidances build on one another, and none knows what the others asked for: the prompts' prediction is among all. */
function askedOnce({ conditional, all, perturbed }: Asked): Asked {
  let every: ReturnType<Asked["all"]> | undefined;
  return {
    conditional: once(() => (every ? every.then((parts) => parts.at(-1)!) : conditional())),
    all() {
      every ??= all();
      return every;
    },
    perturbed: once(perturbed),
  };
}

/** Conditions for `rows` items: repeated for every part of the context, or those of the last part. */
const conditionsFor = (conditions: UNetConditions, rows: number): UNetConditions =>
  withRows(
    conditions,
    (value) => fitRows(contiguous(value), rows),
    (labels) => fitLabels(labels, rows),
  );

/** Conditions with other rows, one for each item. */
function withRows(
  conditions: UNetConditions,
  rows: (value: Tensor) => Tensor,
  labels: (value: readonly number[]) => readonly number[],
): UNetConditions {
  const { textEmbeds, timeIds, timestepCond, classLabels, downResiduals, midResidual, downIntraResiduals } = conditions;
  // these are large, and one serves every item
  const states = (value: Tensor) => (value.shape[0] === 1 ? value : rows(value));
  return {
    ...conditions,
    ...(textEmbeds && { textEmbeds: rows(textEmbeds) }),
    ...(timeIds && { timeIds: rows(timeIds) }),
    ...(timestepCond && { timestepCond: rows(timestepCond) }),
    ...(downResiduals && { downResiduals: downResiduals.map(states) }),
    ...(midResidual && { midResidual: states(midResidual) }),
    ...(downIntraResiduals && { downIntraResiduals: downIntraResiduals.map(states) }),
    ...(classLabels && classLabels.length > 1 && { classLabels: labels(classLabels) }),
  };
}

/** A value for `rows` items: repeated for every part of the context, or that of the last parts. */
export function fitRows(value: Tensor, rows: number): Tensor {
  const [have = 0] = value.shape;
  return have < rows && rows % have === 0 ? concat(new Array<Tensor>(rows / have).fill(value)) : lastItems(value, rows);
}

function fitLabels(labels: readonly number[], rows: number): readonly number[] {
  return Array.from({ length: rows }, (_, i) => labels[(i + Math.max(labels.length - rows, 0)) % labels.length]!);
}

/** The last `count` items of a batch; all of a batch that is not longer. */
const lastItems = (value: Tensor, count: number): Tensor =>
  (value.shape[0] ?? 0) > count ? slice(value, value.shape[0]! - count, value.shape[0]!) : value;
