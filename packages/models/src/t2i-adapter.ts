import { dims, type Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type T2IAdapterConfig, t2iAdapter, t2iAdapterConfig } from "@latentkit/onnx";
import type { RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { openFiles } from "./open-files.js";
import { buildNetwork } from "./open-network.js";
import { openSession } from "./open-session.js";
import { tensorOutput } from "./tensor-output.js";

const kind = { stem: "diffusion_pytorch_model", readConfig: t2iAdapterConfig, build: t2iAdapter };

/**
 * A small network that steers a UNet by a picture, run once for all steps (Mou et al. 2023; Diffusers' `T2IAdapter`).
 *
 * @example
 * ```ts
 * const adapter = await T2IAdapter.fromPretrained("./t2iadapter_canny_sd15v2");
 * const downIntraResiduals = await adapter.features(condition);
 * const noise = await unet.predict(latents, 999, context, { downIntraResiduals });
 * await adapter.dispose();
 * ```
 */
export class T2IAdapter {
  readonly config: T2IAdapterConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #session: RunnerSession;

  constructor(session: RunnerSession, config: T2IAdapterConfig, unusedTensors: readonly string[] = []) {
    this.#session = session;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a folder with `config.json` and `diffusion_pytorch_model.safetensors`.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<T2IAdapter> {
    const files = await openFiles(source, options);
    const { subfolder: _, ...inside } = options;
    const { config, network, backend } = await buildNetwork(files, inside, kind);
    const session = await openSession(() => backend.createSession(network), network, options);
    return new T2IAdapter(session, config, network.unusedTensors);
  }

  /** What both sides of a picture must be multiples of. */
  get downscaleFactor(): number {
    return this.config.downscaleFactor;
  }

  /** How many pixels stand for one of the coarsest features, to each side. */
  get totalDownscaleFactor(): number {
    const { adapterType, channels, downscaleFactor } = this.config;
    const halvings = { full_adapter: channels.length - 1, full_adapter_xl: 1, light_adapter: channels.length };
    return downscaleFactor * 2 ** halvings[adapterType];
  }

  /**
   * What to add to the UNet's hidden states, from the finest down, `[batch, channels, height / 8, width / 8]` and smaller:
   * the `downIntraResiduals` of the UNet's `predict`, for all steps.
   *
   * @param image the picture that steers, from 0 to 1, `[batch, channels, height, width]`.
   * @throws RangeError for another number of channels, and for sides that are no multiples of `downscaleFactor`.
   */
  async features(image: Tensor): Promise<Tensor[]> {
    const { inChannels, downscaleFactor } = this.config;
    const { B, H, W } = dims(image, `B ${inChannels} H W`, "image");
    if (B * H * W === 0) throw new RangeError(`image: expected no empty axis, got [${image.shape.join(", ")}]`);
    if (H % downscaleFactor !== 0 || W % downscaleFactor !== 0)
      throw new RangeError(
        `image: expected sides that are multiples of ${downscaleFactor}, got ${H} rows and ${W} columns`,
      );
    const names = this.#session.outputs.map(({ name }) => name);
    const outputs = await this.#session.run({ image }, names);
    return names.map((name) => tensorOutput(outputs, name));
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
}
