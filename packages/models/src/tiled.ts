import { concat, contiguous, type RandomSource, split, type Tensor } from "@latentkit/core";
import { checkImage, checkLatents, type LatentCodec } from "./latent-codec.js";
import { type Grid, inTiles } from "./tile-grid.js";

/** How pictures are cut into tiles. */
export interface TilingOptions {
  /** Side of a tile in pixels, a multiple of what one latent stands for. @default the side the autoencoder was trained on, 512 where it does not say */
  readonly tileSize?: number;
  /** Share of a tile's side that it has in common with the next one, from 0 to below 1. @default 0.25 */
  readonly overlap?: number;
}

const DEFAULT_TILE = 512;
const DEFAULT_OVERLAP = 0.25;
const IMAGE_CHANNELS = 3;

/**
 * An autoencoder that works on large pictures tile by tile, so that its memory does not grow with the picture. Tiles
 * overlap and are blended linearly where they do (Diffusers' `enable_vae_tiling`, with the same tiles); each sees a part
 * of the picture only, so that the result is not quite the one of the whole. Pictures of one tile are left whole.
 *
 * @throws RangeError for a tile or an overlap that is none.
 * @example
 * ```ts
 * const vae = tiled(await AutoencoderKL.fromPretrained("./sdxl/vae"), { tileSize: 512 });
 * const image = await vae.decode(latents); // [1, 3, 1024, 1024] from 9 tiles of 512×512
 * ```
 */
export function tiled(vae: LatentCodec, options: TilingOptions = {}): LatentCodec {
  const { scaleFactor, latentChannels } = vae;
  const grid = gridOf(vae, options);
  const outer = { ...grid, tile: grid.tile * scaleFactor, stride: grid.stride * scaleFactor };
  const isWhole = ({ shape }: Tensor, { tile }: Grid) => shape.slice(2).every((side) => side <= tile);
  return {
    latentChannels,
    scaleFactor,
    sampleSize: vae.sampleSize,
    async decode(latents) {
      checkLatents(latents, latentChannels);
      if (isWhole(latents, grid)) return vae.decode(latents);
      return inTiles(contiguous(latents), grid, outer, (tile) => vae.decode(tile));
    },
    async encode(image, random) {
      checkImage(image, IMAGE_CHANNELS, scaleFactor);
      if (isWhole(image, outer)) return vae.encode(image, random);
      return encodeTiles(vae, random, (run) => inTiles(contiguous(image), outer, grid, run));
    },
    release: async () => vae.release?.(),
    dispose: () => vae.dispose(),
  };
}

/** Latents are drawn from the blended distribution, and not tile by tile; of autoencoders without one the latents are blended. */
async function encodeTiles(
  vae: LatentCodec,
  random: RandomSource | undefined,
  tiles: (run: (tile: Tensor) => Promise<Tensor>) => Promise<Tensor>,
): Promise<Tensor> {
  const { distribution } = vae;
  if (!distribution || !random) return tiles((tile) => vae.encode(tile, random));
  const both = await tiles(async (tile) => {
    const { mean, logvar } = await distribution.posterior(tile);
    return concat([mean, logvar]);
  });
  const [mean, logvar] = split(both, 2) as [Tensor, Tensor];
  return distribution.draw({ mean, logvar }, random);
}

/** @throws RangeError for a tile or an overlap that is none. */
function gridOf(
  { scaleFactor, sampleSize = DEFAULT_TILE }: LatentCodec,
  { tileSize = sampleSize - (sampleSize % scaleFactor), overlap = DEFAULT_OVERLAP }: TilingOptions,
): Grid {
  if (!Number.isInteger(tileSize) || tileSize <= 0 || tileSize % scaleFactor !== 0)
    throw new RangeError(`tileSize: expected a positive multiple of ${scaleFactor} pixels, got ${tileSize}`);
  if (!(overlap >= 0 && overlap < 1)) throw new RangeError(`overlap: expected 0 to below 1, got ${overlap}`);
  const tile = tileSize / scaleFactor;
  return { tile, stride: Math.max(1, Math.floor(tile * (1 - overlap))) };
}
