import { type AutoencoderKL, type RgbaImage, tensorFromImage } from "latentkit";
import type { BasePictures, Entry } from "./base-pictures.js";
import { nearest, squaredDistance } from "./nearest.js";

/** Whether the emoji that a picture is nearest to, in latents, is the one that was asked for. */
export interface Verdict {
  readonly exact: boolean;
  /** It is, or it has its label or a keyword in common with it. */
  readonly related: boolean;
}

/** Judges a picture that was drawn from the label of emoji `wanted`. */
export type LabelJudge = (image: RgbaImage, wanted: number) => Promise<Verdict>;

/** A judge that knows all emoji of the training data, over white. */
export async function labelJudge(
  { catalog, over }: BasePictures,
  vae: Pick<AutoencoderKL, "encode">,
): Promise<LabelJudge> {
  const known: Float32Array[] = [];
  for (const i of catalog.keys()) known.push((await vae.encode(over(i, [255, 255, 255]))).data);
  return async (image, wanted) => {
    const latents = (await vae.encode(tensorFromImage(image))).data;
    const found = nearest(known.map((other) => squaredDistance(latents, other)));
    return { exact: found === wanted, related: shareWord(catalog[found]!, catalog[wanted]!) };
  };
}

function shareWord(a: Entry, b: Entry): boolean {
  const words = new Set([a.label, ...a.keywords]);
  return [b.label, ...b.keywords].some((word) => words.has(word));
}
