import { dims, type Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type UNet2DConditionConfig, unet2dCondition, unet2dConditionConfig } from "@latentkit/onnx";
import type { Session, Value } from "@latentkit/runtime";
import { unetRoles } from "./export-roles.js";
import { exportedUNetConfig } from "./exported-config.js";
import type { LoadOptions } from "./load-options.js";
import { openExport } from "./open-export.js";
import { openFiles } from "./open-files.js";
import { openNetwork, warnOfUnused } from "./open-network.js";
import { labelInput, timestepInput } from "./per-item.js";
import { tensorOutput } from "./tensor-output.js";

/** What some networks are told beside the text. */
export interface UNetConditions {
  /** SDXL: pooled text, `[batch, width]`. */
  readonly textEmbeds?: Tensor;
  /** SDXL: original size, crop and target size, height first, `[batch, 6]`; the refiner's are `[batch, 5]`. */
  readonly timeIds?: Tensor;
  /** Distilled networks: the embedding of the guidance scale, `[batch, width]`. */
  readonly timestepCond?: Tensor;
  /** One label per picture: the ×4 upscaler's noise levels. */
  readonly classLabels?: readonly number[];
}

/** Names of the conditions as the network's inputs have them. */
const CONDITION_INPUTS = {
  text_embeds: "textEmbeds",
  time_ids: "timeIds",
  timestep_cond: "timestepCond",
  class_labels: "classLabels",
} as const;

/**
 * The network that predicts the noise in latents, told the text by cross-attention (Diffusers' `UNet2DConditionModel`).
 *
 * @example
 * ```ts
 * const unet = await UNet2DConditionModel.fromPretrained("./sd-turbo/unet");
 * const noise = await unet.predict(latents, 999, context); // of the shape of latents
 * await unet.dispose();
 * ```
 */
export class UNet2DConditionModel {
  readonly config: UNet2DConditionConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #session: Session;

  constructor(session: Session, config: UNet2DConditionConfig, unusedTensors: readonly string[] = []) {
    this.#session = session;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a `unet/` folder: `config.json` and `diffusion_pytorch_model.safetensors`, whole or in shards, or an ONNX
   * export, `model.onnx`. Timesteps of an export that takes integers are rounded to the nearest.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<UNet2DConditionModel> {
    const files = await openFiles(source, options, ["unet"]);
    const exported = await openExport(files, "diffusion_pytorch_model", unetRoles, options);
    if (exported) {
      const session = await exported.backend.createSession(exported.network.graph);
      return new UNet2DConditionModel(session, exportedUNetConfig(exported));
    }
    const { subfolder: _, ...inside } = options;
    const {
      config: json,
      configFile,
      checkpoint,
      backend,
      operators,
    } = await openNetwork(files, "diffusion_pytorch_model", inside);
    const config = unet2dConditionConfig(json, configFile);
    const network = unet2dCondition(checkpoint, config, { operators });
    warnOfUnused(network.unusedTensors, checkpoint.location, options);
    return new UNet2DConditionModel(await backend.createSession(network), config, network.unusedTensors);
  }

  /**
   * The network's prediction (noise, velocity or sample, as it was trained), `[batch, channels, height, width]`.
   *
   * @param sample noisy latents after `scaleModelInput`, `[batch, channels, height, width]`.
   * @param timestep training timestep from 0 to 999, also fractional; one for all, or one per item of the batch.
   * @param encoderHiddenStates the text, `[batch, length, width]`.
   * @throws RangeError or TypeError for wrong shapes, and for conditions that the network needs or does not know.
   */
  async predict(
    sample: Tensor,
    timestep: number | readonly number[],
    encoderHiddenStates: Tensor,
    conditions: UNetConditions = {},
  ): Promise<Tensor> {
    const { B, H, W } = dims(sample, `B ${this.config.inChannels} H W`, "sample");
    if (B * H * W === 0) throw new RangeError(`sample: expected no empty axis, got [${sample.shape.join(", ")}]`);
    dims(encoderHiddenStates, `${B} L ${this.config.crossAttentionDim}`, "encoderHiddenStates");
    const feeds = {
      sample,
      timestep: timestepInput(timestep, B),
      encoder_hidden_states: encoderHiddenStates,
      ...this.#conditionFeeds(conditions, B),
    };
    return tensorOutput(await this.#session.run(feeds, ["out_sample"]), "out_sample");
  }

  /** Frees the network; a second call does nothing. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** @throws TypeError or RangeError unless these are the conditions that the network takes. */
  #conditionFeeds(conditions: UNetConditions, batch: number): Record<string, Value> {
    const wanted = new Set(this.#session.inputs.map(({ name }) => name));
    const feeds = Object.entries(CONDITION_INPUTS).flatMap(([input, option]): [string, Value][] => {
      const value = conditions[option];
      if (wanted.has(input) !== (value !== undefined)) {
        throw new TypeError(
          wanted.has(input) ? `${option}: this network needs it` : `${option}: this network does not take it`,
        );
      }
      if (value === undefined) return [];
      return [[input, "data" in value ? value : labelInput(value, batch, this.config.classEmbeddings ?? 0)]];
    });
    this.#checkWidths(conditions, batch);
    return Object.fromEntries(feeds);
  }

  #checkWidths({ timestepCond, textEmbeds, timeIds }: UNetConditions, batch: number): void {
    const { timeCondProjDim, textTime } = this.config;
    if (timestepCond) dims(timestepCond, `${batch} ${timeCondProjDim}`, "timestepCond");
    if (!textEmbeds || !timeIds || !textTime) return;
    const { ids } = dims(timeIds, `${batch} ids`, "timeIds");
    // one layer takes both: the text has what the sizes leave
    const width = textTime.inputDim - ids * textTime.timeEmbedDim;
    dims(textEmbeds, `${batch} ${width}`, `textEmbeds beside ${ids} timeIds`);
  }
}
