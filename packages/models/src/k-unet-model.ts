import { dims, type Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type KUNetConfig, kUNet, kUNetConfig } from "@latentkit/onnx";
import type { RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { openFiles } from "./open-files.js";
import { buildNetwork } from "./open-network.js";
import { openSession } from "./open-session.js";
import { timestepInput } from "./per-item.js";
import { tensorOutput } from "./tensor-output.js";

const kind = { stem: "diffusion_pytorch_model", readConfig: kUNetConfig, build: kUNet };

/**
 * The network of the ×2 latent upscaler: a `UNet2DConditionModel` of "K" blocks, which k-diffusion trained.
 *
 * @example
 * ```ts
 * const unet = await KUNetModel.fromPretrained("./sd-x2-latent-upscaler/unet");
 * await unet.dispose();
 * ```
 */
export class KUNetModel {
  readonly config: KUNetConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #session: RunnerSession;

  constructor(session: RunnerSession, config: KUNetConfig, unusedTensors: readonly string[] = []) {
    this.#session = session;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a `unet/` folder: `config.json` and `diffusion_pytorch_model.safetensors`.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<KUNetModel> {
    const files = await openFiles(source, options, ["unet"]);
    const { subfolder: _, ...inside } = options;
    const { config, network, backend } = await buildNetwork(files, inside, kind);
    const session = await openSession(() => backend.createSession(network), network, options);
    return new KUNetModel(session, config, network.unusedTensors);
  }

  /**
   * The network's output before preconditioning, `[batch, outChannels, height, width]`; of the published one's five
   * channels the last is a variance that is not used.
   *
   * @param sample scaled latents, the small picture's beside them, `[batch, inChannels, height, width]`; sides are multiples of 8.
   * @param timestep ln(σ) / 4; one for all, or one per item of the batch.
   * @param encoderHiddenStates the text, `[batch, length, width]`.
   * @throws RangeError or TypeError for wrong shapes.
   */
  async predict(
    sample: Tensor,
    timestep: number | readonly number[],
    encoderHiddenStates: Tensor,
    { timestepCond }: { readonly timestepCond: Tensor },
  ): Promise<Tensor> {
    const { inChannels, crossAttentionDim, timeCondProjDim, channels } = this.config;
    const { B, H, W } = dims(sample, `B ${inChannels} H W`, "sample");
    const multiple = 2 ** (channels.length - 1);
    for (const [name, side] of Object.entries({ height: H, width: W }))
      if (side === 0 || side % multiple !== 0)
        throw new RangeError(`sample: expected a ${name} that is a multiple of ${multiple}, got ${side}`);
    dims(encoderHiddenStates, `${B} L ${crossAttentionDim}`, "encoderHiddenStates");
    dims(timestepCond, `${B} ${timeCondProjDim}`, "timestepCond");
    const feeds = {
      sample,
      timestep: timestepInput(timestep, B),
      encoder_hidden_states: encoderHiddenStates,
      timestep_cond: timestepCond,
    };
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
}
