import { dims, type Tensor, tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type UNet2DConfig, unet2d, unet2dConfig } from "@latentkit/onnx";
import type { Value } from "@latentkit/runtime";
import type { RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { buildNetwork } from "./open-network.js";
import { openSession } from "./open-session.js";
import { labelInput, timestepInput, valuesPerItem } from "./per-item.js";
import { tensorOutput } from "./tensor-output.js";

const kind = { stem: "diffusion_pytorch_model", readConfig: unet2dConfig, build: unet2d };

/** What some networks are told beside the timestep. */
export interface UNet2DConditions {
  /** One label for all, or one per picture. */
  readonly classLabels?: readonly number[];
}

/**
 * The network that predicts the noise in pictures, told nothing but the timestep, or a class (Diffusers' `UNet2DModel`).
 *
 * @example
 * ```ts
 * const unet = await UNet2DModel.fromPretrained("./ddpm-cat-256", { subfolder: "unet" });
 * const noise = await unet.predict(torchRandom(1).normal([1, 3, 256, 256]), 999); // [1, 3, 256, 256]
 * await unet.dispose();
 * ```
 */
export class UNet2DModel {
  readonly config: UNet2DConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #session: RunnerSession;

  constructor(session: RunnerSession, config: UNet2DConfig, unusedTensors: readonly string[] = []) {
    this.#session = session;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a folder with `config.json` and `diffusion_pytorch_model.safetensors`.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<UNet2DModel> {
    const { config, network, backend } = await buildNetwork(source, options, kind);
    return new UNet2DModel(
      await openSession(() => backend.createSession(network), network, options),
      config,
      network.unusedTensors,
    );
  }

  /**
   * The network's prediction (noise, velocity or sample, as it was trained), `[batch, channels, height, width]`.
   *
   * @param sample noisy pictures after `scaleModelInput`, `[batch, channels, height, width]`.
   * @param timestep training timestep, or the noise level for networks trained on those; one for all, or one per picture.
   * @throws RangeError or TypeError for wrong shapes, and for labels that the network needs or does not know.
   */
  async predict(
    sample: Tensor,
    timestep: number | readonly number[],
    { classLabels }: UNet2DConditions = {},
  ): Promise<Tensor> {
    const { B, H, W } = dims(sample, `B ${this.config.inChannels} H W`, "sample");
    if (B * H * W === 0) throw new RangeError(`sample: expected no empty axis, got [${sample.shape.join(", ")}]`);
    const feeds = { sample, timestep: timestepInput(timestep, B), ...this.#labelFeed(classLabels, B) };
    return tensorOutput(await this.#session.run(feeds, ["out_sample"]), "out_sample");
  }

  /** Frees the network until the next run, where it was opened with `memory: "low"`; otherwise does nothing. */
  async release(): Promise<void> {
    await this.#session.release?.();
  }

  /** Frees the network; a second call does nothing. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #labelFeed(labels: readonly number[] | undefined, batch: number): Record<string, Value> {
    const { classEmbeddings } = this.config;
    if ((classEmbeddings === undefined) !== (labels === undefined)) {
      throw new TypeError(
        labels ? "classLabels: this network does not take it" : "classLabels: this network needs one per picture",
      );
    }
    if (labels === undefined || classEmbeddings === undefined) return {};
    if (classEmbeddings !== "timestep") return { class_labels: labelInput(labels, batch, classEmbeddings) };
    const values = valuesPerItem("classLabels", labels, batch);
    return { class_labels: tensor(Float32Array.from(values), [values.length]) };
  }
}
