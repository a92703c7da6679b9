import type { Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type UNet2DConditionConfig, unet2dCondition, unet2dConditionConfig } from "@latentkit/onnx";
import type { Value } from "@latentkit/runtime";
import { unetRoles } from "./export-roles.js";
import { exportedUNetConfig } from "./exported-config.js";
import type { RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { type NetworkConditions, networkFeeds } from "./network-feeds.js";
import { openExport } from "./open-export.js";
import { openFiles } from "./open-files.js";
import { openNetwork, warnOfUnused } from "./open-network.js";
import { openSession } from "./open-session.js";
import { hasResiduals, residualFeeds, type UNetResiduals } from "./residual-feeds.js";
import { steeredSession } from "./steered-session.js";
import { tensorOutput } from "./tensor-output.js";

/** What some networks are told beside the text, and what ControlNets and T2I-Adapters add to their states. */
export interface UNetConditions extends NetworkConditions, UNetResiduals {}

/** How to open a UNet. */
export interface UNetLoadOptions extends LoadOptions {
  /**
   * Opens it ready for what ControlNets and T2I-Adapters add to its states. Otherwise it is opened anew, in place of the
   * first time, when the first of that comes. @default false
   */
  readonly residuals?: boolean;
}

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
  /** The one in use. */
  #session: RunnerSession;
  readonly #steered: RunnerSession | undefined;

  /** @param steered the same network with inputs for residuals, run from the first of them on. */
  constructor(
    session: RunnerSession,
    config: UNet2DConditionConfig,
    unusedTensors: readonly string[] = [],
    steered?: RunnerSession,
  ) {
    this.#session = session;
    this.#steered = steered;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a `unet/` folder: `config.json` and `diffusion_pytorch_model.safetensors`, whole or in shards, or an ONNX
   * export, `model.onnx`. Timesteps of an export that takes integers are rounded to the nearest.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: UNetLoadOptions = {}): Promise<UNet2DConditionModel> {
    const files = await openFiles(source, options, ["unet"]);
    const exported = await openExport(files, "diffusion_pytorch_model", unetRoles, options);
    if (exported) {
      const { backend, network } = exported;
      const session = await openSession(() => backend.createSession(network.graph), network, options);
      return new UNet2DConditionModel(session, exportedUNetConfig(exported));
    }
    const { subfolder: _, residuals = false, ...inside } = options;
    const {
      config: json,
      configFile,
      checkpoint,
      backend,
      graph,
    } = await openNetwork(files, "diffusion_pytorch_model", inside);
    const config = unet2dConditionConfig(json, configFile);
    const network = unet2dCondition(checkpoint, config, { ...graph, residuals });
    warnOfUnused(network.unusedTensors, checkpoint.location, options);
    const session = await openSession(() => backend.createSession(network), network, options);
    const steered = residuals
      ? session
      : steeredSession(session, () =>
          backend.createSession(unet2dCondition(checkpoint, config, { ...graph, residuals: true })),
        );
    return new UNet2DConditionModel(session, config, network.unusedTensors, steered);
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
    const network = { config: this.config, inputs: this.#session.inputs };
    const feeds = {
      ...networkFeeds(network, { sample, timestep, encoderHiddenStates }, conditions),
      ...this.#residualFeeds(conditions, sample),
    };
    return tensorOutput(await this.#session.run(feeds, ["out_sample"]), "out_sample");
  }

  /** Frees the network until the next run, where it was opened with `memory: "low"`; otherwise does nothing. */
  async release(): Promise<void> {
    await this.#session.release?.();
  }

  /** Frees the network; a second call does nothing. */
  async dispose(): Promise<void> {
    await (this.#steered ?? this.#session).dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** Feeds for the inputs that a steered network has. From the first residuals on, it is that one which runs. */
  #residualFeeds(conditions: UNetResiduals, sample: Tensor): Record<string, Value> {
    if (!hasResiduals(conditions) && this.#session !== this.#steered) return {};
    if (!this.#steered) {
      const names = "downResiduals, midResidual, downIntraResiduals";
      throw new TypeError(`${names}: this ONNX export has no inputs for them; open the original checkpoint`);
    }
    const feeds = residualFeeds(this.config, sample, conditions);
    this.#session = this.#steered;
    return feeds;
  }
}
