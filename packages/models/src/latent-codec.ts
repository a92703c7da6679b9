import { concat, contiguous, dims, type RandomSource, split, type Tensor, tensor } from "@latentkit/core";
import type { Autoencoder } from "@latentkit/onnx";
import type { Backend, Value } from "@latentkit/runtime";
import { LazySession } from "./lazy-session.js";

/** What the pipelines need of any autoencoder. */
export interface LatentCodec {
  /** Channels of its latents. */
  readonly latentChannels: number;
  /** Pixels per latent along a side: 8 in every released Stable Diffusion. */
  readonly scaleFactor: number;
  /** A picture `[batch, 3, H, W]` in [-1, 1] as latents in the pipelines' units; drawn from the posterior with `random`, its mode without. */
  encode(image: Tensor, random?: RandomSource): Promise<Tensor>;
  /** The inverse: latents in the pipelines' units to a picture in [-1, 1]. */
  decode(latents: Tensor): Promise<Tensor>;
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

  constructor(networks: ExportableAutoencoder, backend: Backend) {
    this.drawsLatents = networks.drawsLatents ?? false;
    this.#encoder = new LazySession(() => backend.createSession(networks.encoder));
    this.#decoder = new LazySession(() => backend.createSession(networks.decoder));
  }

  encode(image: Tensor, outputs: readonly string[]): Promise<Record<string, Value>> {
    return this.#encoder.run({ sample: image }, outputs);
  }

  decode(latents: Tensor): Promise<Record<string, Value>> {
    return this.#decoder.run({ latent_sample: latents }, ["sample"]);
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
