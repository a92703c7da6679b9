import { concat, contiguous, LatentKitError, type RandomSource, split, type Tensor, tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type AutoencoderKLConfig, autoencoderKL, autoencoderKLConfig } from "@latentkit/onnx";
import { exportsOpener } from "./exports-opener.js";
import {
  AutoencoderSessions,
  affine,
  checkImage,
  checkLatents,
  type LatentCodec,
  type LatentDistribution,
  oneByOne,
  type Posterior,
} from "./latent-codec.js";
import type { LoadOptions } from "./load-options.js";
import { openFiles } from "./open-files.js";
import { buildNetwork } from "./open-network.js";
import { tensorOutput } from "./tensor-output.js";

const kind = { stem: "diffusion_pytorch_model", readConfig: autoencoderKLConfig, build: autoencoderKL };

/**
 * Pictures to latents and back (Rombach et al. 2022, §3.1; Diffusers' `AutoencoderKL`).
 *
 * @example
 * ```ts
 * const vae = await AutoencoderKL.fromPretrained("./sd-turbo/vae");
 * const image = await vae.decode(latents); // [1, 3, 512, 512] in [-1, 1]
 * await vae.dispose();
 * ```
 */
export class AutoencoderKL implements LatentCodec {
  readonly config: AutoencoderKLConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #sessions: AutoencoderSessions;

  constructor(sessions: AutoencoderSessions, config: AutoencoderKLConfig, unusedTensors: readonly string[] = []) {
    this.#sessions = sessions;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a `vae/` folder: `config.json` and `diffusion_pytorch_model.safetensors`. An ONNX export has `vae_decoder/`
   * and `vae_encoder/` in its place: pass the folder that holds them.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<AutoencoderKL> {
    const files = await openFiles(source, options, ["vae"]);
    const opener = await exportsOpener(files, "diffusion_pytorch_model", options);
    const exported = await opener?.openExportedAutoencoder(source, files, options);
    if (exported)
      return new AutoencoderKL(new AutoencoderSessions(exported.networks, exported.backend, options), exported.config);
    const { subfolder: _, ...inside } = options;
    const { config, network: networks, backend } = await buildNetwork(files, inside, kind);
    return new AutoencoderKL(new AutoencoderSessions(networks, backend, options), config, networks.unusedTensors);
  }

  get latentChannels(): number {
    return this.config.latentChannels;
  }

  /** Side of the pictures it was trained on. */
  get sampleSize(): number | undefined {
    return this.config.sampleSize;
  }

  /** Undefined for an ONNX export that draws latents itself. */
  get distribution(): LatentDistribution | undefined {
    if (this.#sessions.drawsLatents) return undefined;
    return {
      posterior: (image) => this.posterior(image),
      draw: (posterior, random) => this.#scaled(drawn(posterior, random)),
    };
  }

  get scaleFactor(): number {
    return 2 ** (this.config.blockOutChannels.length - 1);
  }

  /**
   * A picture `[batch, 3, H, W]` in [-1, 1] as latents `[batch, latent, H / f, W / f]` in the pipelines' units.
   * With `random`, drawn from the posterior as Diffusers draws it; without, its mode. Some ONNX exports draw inside
   * the graph: they take no number from `random`, and give other latents each time.
   *
   * @throws RangeError when a side is no multiple of f.
   * @throws LatentKitError `"unsupported-model"` for the mode of an export that draws, or one without an encoder.
   */
  async encode(image: Tensor, random?: RandomSource): Promise<Tensor> {
    if (random && this.#sessions.drawsLatents) return this.#scaled(await this.#exportsDraw(image));
    const posterior = await this.posterior(image);
    return this.#scaled(random ? drawn(posterior, random) : posterior.mean);
  }

  /** Latents `[batch, latent, h, w]` in the pipelines' units to a picture `[batch, 3, h · f, w · f]`, near [-1, 1]. */
  async decode(latents: Tensor): Promise<Tensor> {
    checkLatents(latents, this.latentChannels);
    const { scalingFactor, shiftFactor } = this.config;
    const unscaled = affine(latents, 1 / scalingFactor, shiftFactor);
    return oneByOne(unscaled, async (item) => tensorOutput(await this.#sessions.decode(item), "sample"));
  }

  /**
   * The distribution of a picture's latents, before scaling.
   *
   * @throws LatentKitError `"unsupported-model"` for an ONNX export that gives none.
   */
  async posterior(image: Tensor): Promise<Posterior> {
    checkImage(image, this.config.inChannels, this.scaleFactor);
    if (this.#sessions.drawsLatents) {
      const problem = "the exported encoder draws latents itself and gives neither mean nor variance";
      throw new LatentKitError(
        "unsupported-model",
        `${problem}; pass random to encode, or take the original checkpoint`,
      );
    }
    const outputs: Awaited<ReturnType<AutoencoderSessions["encode"]>>[] = [];
    for (const item of split(contiguous(image), image.shape[0] ?? 1))
      outputs.push(await this.#sessions.encode(item, ["mean", "logvar"]));
    const joined = (name: string) => concat(outputs.map((output) => tensorOutput(output, name)));
    return { mean: joined("mean"), logvar: joined("logvar") };
  }

  /** The autoencoder's own units to the pipelines'. */
  #scaled(latents: Tensor): Tensor {
    const { scalingFactor, shiftFactor } = this.config;
    return affine(latents, scalingFactor, -shiftFactor * scalingFactor);
  }

  async #exportsDraw(image: Tensor): Promise<Tensor> {
    checkImage(image, this.config.inChannels, this.scaleFactor);
    return oneByOne(image, async (item) => tensorOutput(await this.#sessions.encode(item, ["latents"]), "latents"));
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

/** mean + e^(logvar / 2) · noise */
function drawn({ mean, logvar }: Posterior, random: RandomSource): Tensor {
  const noise = random.normal(mean.shape);
  return tensor(
    mean.data.map((value, i) => value + Math.exp(logvar.data[i]! / 2) * noise.data[i]!),
    mean.shape,
  );
}
