import type { Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type AutoencoderTinyConfig, autoencoderTiny, autoencoderTinyConfig } from "@latentkit/onnx";
import { AutoencoderSessions, affine, checkImage, checkLatents, type LatentCodec, oneByOne } from "./latent-codec.js";
import type { LoadOptions } from "./load-options.js";
import { buildNetwork } from "./open-network.js";
import { tensorOutput } from "./tensor-output.js";

const kind = { stem: "diffusion_pytorch_model", readConfig: autoencoderTinyConfig, build: autoencoderTiny };

/**
 * The distilled autoencoder: some of the detail at a hundredth of the time (TAESD; Diffusers' `AutoencoderTiny`).
 * Stands in for an `AutoencoderKL` of the same latents.
 *
 * @example
 * ```ts
 * const vae = await AutoencoderTiny.fromPretrained("./taesd");
 * const image = await vae.decode(latents); // [1, 3, 512, 512] in [-1, 1]
 * await vae.dispose();
 * ```
 */
export class AutoencoderTiny implements LatentCodec {
  readonly config: AutoencoderTinyConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #sessions: AutoencoderSessions;

  constructor(sessions: AutoencoderSessions, config: AutoencoderTinyConfig, unusedTensors: readonly string[] = []) {
    this.#sessions = sessions;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a folder with `config.json` and `diffusion_pytorch_model.safetensors`.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<AutoencoderTiny> {
    const { config, network: networks, backend } = await buildNetwork(source, options, kind);
    return new AutoencoderTiny(new AutoencoderSessions(networks, backend, options), config, networks.unusedTensors);
  }

  get latentChannels(): number {
    return this.config.latentChannels;
  }

  get scaleFactor(): number {
    return 2 ** (this.config.encoderBlocks.length - 1);
  }

  /** A picture `[batch, 3, H, W]` in [-1, 1] as latents `[batch, latent, H / f, W / f]` in the pipelines' units. It has no posterior to draw from. */
  async encode(image: Tensor): Promise<Tensor> {
    checkImage(image, this.config.inChannels, this.scaleFactor);
    const latents = await oneByOne(image, async (item) =>
      tensorOutput(await this.#sessions.encode(item, ["mean"]), "mean"),
    );
    return affine(latents, this.config.scalingFactor, 0);
  }

  /** Latents `[batch, latent, h, w]` in the pipelines' units to a picture `[batch, 3, h · f, w · f]`, near [-1, 1]. */
  async decode(latents: Tensor): Promise<Tensor> {
    checkLatents(latents, this.latentChannels);
    const unscaled = affine(latents, 1 / this.config.scalingFactor, 0);
    return oneByOne(unscaled, async (item) => tensorOutput(await this.#sessions.decode(item), "sample"));
  }

  /** Frees the networks until the next run, where they were opened with `memory: "low"`; otherwise does nothing. */
  async release(): Promise<void> {
    await this.#sessions.release();
  }

  /** Frees the networks; a second call does nothing. */
  async dispose(): Promise<void> {
    await this.#sessions.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
