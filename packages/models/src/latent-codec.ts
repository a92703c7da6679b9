import { concat, contiguous, dims, type RandomSource, split, type Tensor, tensor } from "@latentkit/core";
import type { Autoencoder } from "@latentkit/onnx";
import type { Backend, Value } from "@latentkit/runtime";
import { LazySession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";

/** The distribution of a picture's latents in the autoencoder's own units, `[batch, latent, H / f, W / f]` each. */
export interface Posterior {
  readonly mean: Tensor;
  /** Logarithm of the variance, in [-30, 20]. */
  readonly logvar: Tensor;
}

/** What an autoencoder draws latents from. */
export interface LatentDistribution {
  /** That of a picture `[batch, 3, H, W]` in [-1, 1]. */
  posterior(image: Tensor): Promise<Posterior>;
  /** Latents in the pipelines' units, drawn as Diffusers draws them. */
  draw(posterior: Posterior, random: RandomSource): Tensor;
}

/** What the pipelines need of any autoencoder. */
export interface LatentCodec {
  /** Channels of its latents. */
  readonly latentChannels: number;
  /** Pixels per latent along a side: 8 in every released Stable Diffusion. */
  readonly scaleFactor: number;
  /** Side of the pictures it was trained on, in pixels, where it says. */
  readonly sampleSize?: number | undefined;
  /** What `encode` draws from, where it is known. */
  readonly distribution?: LatentDistribution | undefined;
  /** A picture `[batch, 3, H, W]` in [-1, 1] as latents in the pipelines' units; drawn from the posterior with `random`, its mode without. */
  encode(image: Tensor, random?: RandomSource): Promise<Tensor>;
  /** The inverse: latents in the pipelines' units to a picture in [-1, 1]. */
  decode(latents: Tensor): Promise<Tensor>;
  /** Frees what is only needed while it works, until it is used again. */
  release?(): Promise<void>;
  dispose(): Promise<void>;
}

/** An autoencoder's graphs. */
export interface ExportableAutoencoder extends Autoencoder {
  /** Whether the encoder's output is `latents` that it drew itself, in place of `mean` and `logvar`. @default false */
  readonly drawsLatents?: boolean;
}

/** The two halves of an autoencoder, each opened when it is first used. */
export class AutoencoderSessions {
  readonly #encoder: LazySession;
  readonly #decoder: LazySession;
  /** Whether the encoder gives latents that it drew itself, and no distribution. */
  readonly drawsLatents: boolean;

  readonly #isReleasable: boolean;

  constructor(networks: ExportableAutoencoder, backend: Backend, { memory }: Pick<LoadOptions, "memory"> = {}) {
    this.drawsLatents = networks.drawsLatents ?? false;
    this.#isReleasable = memory === "low";
    this.#encoder = new LazySession(() => backend.createSession(networks.encoder));
    this.#decoder = new LazySession(() => backend.createSession(networks.decoder));
  }

  encode(image: Tensor, outputs: readonly string[]): Promise<Record<string, Value>> {
    return this.#encoder.run({ sample: image }, outputs);
  }

  decode(latents: Tensor): Promise<Record<string, Value>> {
    return this.#decoder.run({ latent_sample: latents }, ["sample"]);
  }

  /** Frees both where memory is low. */
  async release(): Promise<void> {
    if (this.#isReleasable) await Promise.all([this.#encoder.release(), this.#decoder.release()]);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#encoder.dispose(), this.#decoder.dispose()]);
  }
}

/** Runs items of a batch one after the other: a decoder's memory grows with the batch, its speed does not. */
export async function oneByOne(batch: Tensor, run: (item: Tensor) => Promise<Tensor>): Promise<Tensor> {
  const results: Tensor[] = [];
  for (const item of split(contiguous(batch), batch.shape[0] ?? 1)) results.push(await run(item));
  return concat(results);
}

/** @throws RangeError unless the picture is `[batch, channels, H, W]` with sides that are multiples of `factor`. */
export function checkImage(image: Tensor, channels: number, factor: number): void {
  const { B, H, W } = dims(image, `B ${channels} H W`, "image");
  if (B === 0) throw new RangeError("image: expected at least one picture, got none");
  for (const [name, side] of Object.entries({ height: H, width: W })) {
    if (side === 0 || side % factor !== 0)
      throw new RangeError(`image: expected a ${name} that is a multiple of ${factor}, got ${side}`);
  }
}

/** @throws RangeError unless the latents are `[batch, channels, H, W]` with none of these 0. */
export function checkLatents(latents: Tensor, channels: number): void {
  const { B, H, W } = dims(latents, `B ${channels} H W`, "latents");
  if (B * H * W === 0) throw new RangeError(`latents: expected no empty axis, got [${latents.shape.join(", ")}]`);
}

/** a·x + b. */
export function affine(x: Tensor, a: number, b: number): Tensor {
  return tensor(
    contiguous(x).data.map((value) => a * value + b),
    x.shape,
  );
}
