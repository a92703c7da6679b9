import { concat, split, type Tensor, weightedSum } from "@latentkit/core";

/**
 * Brings the guided prediction back to the conditional one's standard deviation, in part:
 * φ·ε·(σ_c / σ) + (1 − φ)·ε for each item of the batch (Lin et al. 2024, eq. 15 and 16; Diffusers' `rescale_noise_cfg`).
 */
export function rescaleNoise(noise: Tensor, conditional: Tensor, guidanceRescale: number): Tensor {
  const batch = noise.shape[0] ?? 1;
  const references = split(conditional, batch);
  const rescaled = split(noise, batch).map((item, i) => {
    const factor = standardDeviation(references[i]!) / standardDeviation(item);
    return weightedSum([[guidanceRescale * factor + 1 - guidanceRescale, item]]);
  });
  return concat(rescaled);
}

/** Unbiased, as `torch.std`. */
function standardDeviation({ data }: Tensor): number {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const squares = data.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (data.length - 1));
}
