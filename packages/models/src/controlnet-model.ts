import { dims, type Tensor, tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type ControlNetConfig, controlNetConfig, controlNetModel, unetStateShapes } from "@latentkit/onnx";
import type { RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { type NetworkConditions, networkFeeds } from "./network-feeds.js";
import { openFiles } from "./open-files.js";
import { buildNetwork } from "./open-network.js";
import { openSession } from "./open-session.js";
import type { ControlResiduals } from "./residual-feeds.js";
import { tensorOutput } from "./tensor-output.js";
import { isTextApart, openTextFed } from "./text-fed-session.js";

/** How strongly a ControlNet steers, and what it is told beside the text. */
export interface ControlNetOptions extends Pick<NetworkConditions, "textEmbeds" | "timeIds" | "classLabels"> {
  /** Multiplies what it gives; a list has a factor for each of the residuals, the middle's last. @default 1 */
  readonly scale?: number | readonly number[];
  /**
   * Steers the finer states less, from a tenth up to the middle's whole, so that the picture alone suffices; for the part
   * of a batch that is told the prompt. Networks that steer by one value for each channel take no notice. @default false
   */
  readonly guessMode?: boolean;
}

/**
 * A network that steers a UNet by a picture: edges, depth, a pose (Zhang et al. 2023; Diffusers' `ControlNetModel`).
 *
 * @example
 * ```ts
 * const controlNet = await ControlNetModel.fromPretrained("./sd-controlnet-canny");
 * const residuals = await controlNet.predict(latents, 999, context, condition, { scale: 0.8 });
 * const noise = await unet.predict(latents, 999, context, residuals);
 * await controlNet.dispose();
 * ```
 */
export class ControlNetModel {
  readonly config: ControlNetConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #session: RunnerSession;

  constructor(session: RunnerSession, config: ControlNetConfig, unusedTensors: readonly string[] = []) {
    this.#session = session;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a folder with `config.json` and `diffusion_pytorch_model.safetensors`, or a single file in its authors' layout.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<ControlNetModel> {
    const files = await openFiles(source, options, ["controlnet"]);
    const { subfolder: _, ...inside } = options;
    const { config, network, backend } = await buildNetwork(files, inside, {
      stem: "diffusion_pytorch_model",
      readConfig: controlNetConfig,
      build: (checkpoint, config, graph, backend) =>
        controlNetModel(checkpoint, config, { ...graph, textApart: isTextApart(backend, options) }),
    });
    const session = await openSession(() => openTextFed(backend, network), network, options);
    return new ControlNetModel(session, config, network.unusedTensors);
  }

  /** How many pixels of the condition stand for one of the latents, to each side. */
  get scaleFactor(): number {
    return 2 ** (this.config.conditioningEmbeddingOutChannels.length - 1);
  }

  /**
   * What to add to the UNet's hidden states: pass it to the UNet's `predict`.
   *
   * @param sample noisy latents after `scaleModelInput`, `[batch, channels, height, width]`: what the UNet is given.
   * @param timestep training timestep from 0 to 999, also fractional; one for all, or one per item of the batch.
   * @param encoderHiddenStates the text, `[batch, length, width]`.
   * @param condition the picture that steers, from 0 to 1, `[1 or batch, 3, height · 8, width · 8]`.
   * @throws RangeError or TypeError for wrong shapes, and for conditions that the network needs or does not know.
   */
  async predict(
    sample: Tensor,
    timestep: number | readonly number[],
    encoderHiddenStates: Tensor,
    condition: Tensor,
    { scale = 1, guessMode = false, textEmbeds, timeIds, classLabels }: ControlNetOptions = {},
  ): Promise<ControlResiduals> {
    const network = { config: this.config, inputs: this.#session.inputs };
    const conditions = { textEmbeds, timeIds, classLabels };
    const feeds = networkFeeds(network, { sample, timestep, encoderHiddenStates }, conditions);
    this.#checkCondition(condition, sample);
    const scales = this.#scales(scale, guessMode);
    const down = Array.from({ length: scales.length - 1 }, (_, i) => `down_block_res_samples.${i}`);
    const outputs = await this.#session.run(
      { ...feeds, controlnet_cond: condition, conditioning_scale: tensor(scales, [scales.length]) },
      [...down, "mid_block_res_sample"],
    );
    return {
      downResiduals: down.map((name) => tensorOutput(outputs, name)),
      midResidual: tensorOutput(outputs, "mid_block_res_sample"),
    };
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

  #checkCondition(condition: Tensor, sample: Tensor): void {
    const [batch = 0, , height = 0, width = 0] = sample.shape;
    const { B, H, W } = dims(condition, `B ${this.config.conditioningChannels} H W`, "condition");
    if (B !== 1 && B !== batch) throw new RangeError(`condition: expected a batch of 1 or ${batch}, got ${B}`);
    const factor = this.scaleFactor;
    if (Math.ceil(H / factor) === height && Math.ceil(W / factor) === width) return;
    const expected = `${height * factor} rows and ${width * factor} columns`;
    throw new RangeError(
      `condition: latents of ${height} rows and ${width} columns need ${expected}, got ${H} and ${W}`,
    );
  }

  /** A factor for each residual. */
  #scales(scale: number | readonly number[], guessMode: boolean): Float32Array {
    const count = unetStateShapes(this.config, 1, 1).down.length + 1;
    const factors = typeof scale === "number" ? new Array<number>(count).fill(scale) : scale;
    if (factors.length !== count || !factors.every(Number.isFinite))
      throw new RangeError(`scale: expected a finite number, or ${count} of them, got ${factors.join(", ")}`);
    const isGuess = guessMode && !this.config.globalPoolConditions;
    // torch.logspace(-1, 0, count)
    const weight = (i: number) => (isGuess ? 10 ** (i / (count - 1) - 1) : 1);
    return Float32Array.from(factors, (factor, i) => factor * weight(i));
  }
}
