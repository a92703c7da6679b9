import { InvalidArgumentError } from "commander";

/** A picture's sides in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Reads `512` or `768x512`, width first. */
export function parseSize(text: string): Size {
  const [, first = "0", second = first] = /^(\d+)(?:[x×](\d+))?$/i.exec(text) ?? [];
  const [width, height] = [Number(first), Number(second)];
  if (!isSide(width) || !isSide(height)) {
    throw new InvalidArgumentError("Expected one side or WIDTHxHEIGHT in multiples of 8, such as 512 or 768x512.");
  }
  return { width, height };
}

// the autoencoders of Stable Diffusion make 8 pixels of a latent
const isSide = (pixels: number): boolean => Number.isSafeInteger(pixels) && pixels > 0 && pixels % 8 === 0;
