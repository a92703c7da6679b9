import { torchRandom } from "latentkit";

/** 0 to `length` − 1 in an order that the seed fixes. */
export function shuffled(length: number, seed: number): number[] {
  const keys = torchRandom(seed).uniform([length]).data;
  return Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]!);
}
