import type { Tensor } from "@latentkit/core";
import { type ImageSize, imageFromTensor, resizeImage, tensorFromImage } from "@latentkit/images";
import type { LatentCodec } from "@latentkit/models";
import type { HiresFixOptions } from "./hires-fix.js";
import { release } from "./release.js";
import { resizeLatents } from "./resize-latents.js";
import type { RunTools } from "./run.js";

/** What latents are brought to. */
export interface Enlargement {
  /** In pixels. */
  readonly size: ImageSize;
  readonly method: NonNullable<HiresFixOptions["method"]>;
}

/** The latents of a picture at a larger size. */
export async function enlargedLatents(
  vae: LatentCodec,
  latents: Tensor,
  { size, method }: Enlargement,
  tools: RunTools,
): Promise<Tensor> {
  if (method === "image") return byPicture(vae, latents, size, tools);
  const side = { height: size.height / vae.scaleFactor, width: size.width / vae.scaleFactor };
  return resizeLatents(latents, side, method === "latent" ? "bilinear" : "nearest");
}

async function byPicture(
  vae: LatentCodec,
  latents: Tensor,
  size: ImageSize,
  { encodingOf }: RunTools,
): Promise<Tensor> {
  const pictures = imageFromTensor(await vae.decode(latents)).map((image) => resizeImage(image, size));
  const encoded = await vae.encode(tensorFromImage(pictures), encodingOf(pictures.length));
  await release(vae);
  return encoded;
}
