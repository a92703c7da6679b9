import { dims, type Tensor } from "@latentkit/core";
import type { UNetEncoderConfig } from "@latentkit/onnx";
import type { Value } from "@latentkit/runtime";
import type { RunnerSession } from "./lazy-session.js";
import { labelInput, timestepInput } from "./per-item.js";

/** What every text-conditional network takes. */
export interface NetworkInputs {
  readonly sample: Tensor;
  readonly timestep: number | readonly number[];
  readonly encoderHiddenStates: Tensor;
}

/** What some networks are told beside the text. */
export interface NetworkConditions {
  /** SDXL: pooled text, `[batch, width]`. */
  readonly textEmbeds?: Tensor | undefined;
  /** SDXL: original size, crop and target size, height first, `[batch, 6]`; the refiner's are `[batch, 5]`. */
  readonly timeIds?: Tensor | undefined;
  /** Distilled networks: the embedding of the guidance scale, `[batch, width]`. */
  readonly timestepCond?: Tensor | undefined;
  /** One label per picture: the ×4 upscaler's noise levels. */
  readonly classLabels?: readonly number[] | undefined;
}

/** Names of the conditions as the network's inputs have them. */
const CONDITION_INPUTS = {
  text_embeds: "textEmbeds",
  time_ids: "timeIds",
  timestep_cond: "timestepCond",
  class_labels: "classLabels",
} as const;

/** A network's configuration, and the inputs that it has. */
export interface FedNetwork {
  readonly config: UNetEncoderConfig;
  readonly inputs: RunnerSession["inputs"];
}

/** @throws RangeError or TypeError for wrong shapes, and for conditions that the network needs or does not know. */
export function networkFeeds(
  { config, inputs }: FedNetwork,
  { sample, timestep, encoderHiddenStates }: NetworkInputs,
  conditions: NetworkConditions,
): Record<string, Value> {
  const { B, H, W } = dims(sample, `B ${config.inChannels} H W`, "sample");
  if (B * H * W === 0) throw new RangeError(`sample: expected no empty axis, got [${sample.shape.join(", ")}]`);
  dims(encoderHiddenStates, `${B} L ${config.crossAttentionDim}`, "encoderHiddenStates");
  return {
    sample,
    timestep: timestepInput(timestep, B),
    encoder_hidden_states: encoderHiddenStates,
    ...conditionFeeds({ config, inputs }, conditions, B),
  };
}

function conditionFeeds(
  { config, inputs }: FedNetwork,
  conditions: NetworkConditions,
  batch: number,
): Record<string, Value> {
  const wanted = new Set(inputs.map(({ name }) => name));
  const feeds = Object.entries(CONDITION_INPUTS).flatMap(([input, option]): [string, Value][] => {
    const value = conditions[option];
    if (wanted.has(input) !== (value !== undefined)) {
      throw new TypeError(
        wanted.has(input) ? `${option}: this network needs it` : `${option}: this network does not take it`,
      );
    }
    if (value === undefined) return [];
    return [[input, "data" in value ? value : labelInput(value, batch, config.classEmbeddings ?? 0)]];
  });
  checkWidths(config, conditions, batch);
  return Object.fromEntries(feeds);
}

function checkWidths(config: UNetEncoderConfig, conditions: NetworkConditions, batch: number): void {
  const { timeCondProjDim, textTime } = config;
  const { timestepCond, textEmbeds, timeIds } = conditions;
  if (timestepCond) dims(timestepCond, `${batch} ${timeCondProjDim}`, "timestepCond");
  if (!textEmbeds || !timeIds || !textTime) return;
  const { ids } = dims(timeIds, `${batch} ids`, "timeIds");
  // one layer takes both: the text has what the sizes leave
  const width = textTime.inputDim - ids * textTime.timeEmbedDim;
  dims(textEmbeds, `${batch} ${width}`, `textEmbeds beside ${ids} timeIds`);
}
