import { type Tensor, tensor } from "@latentkit/core";
import type { UNetConditions } from "@latentkit/models";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { SettledGuidance } from "./sampling-options.js";

/**
 * The guidance scale as distilled networks take it, `[batch, width]`: sines, then cosines, of (s − 1)·1000·10000^(−i / (half − 1))
 * (Luo et al. 2023, §4.2; Diffusers' `get_guidance_scale_embedding`).
 */
export function guidanceEmbedding(guidanceScale: number, width: number, batch: number): Tensor {
  const half = Math.floor(width / 2);
  const w = Math.fround((guidanceScale - 1) * 1000);
  const step = Math.fround(-Math.log(10000) / (half - 1));
  const phases = Array.from({ length: half }, (_, i) => Math.fround(w * Math.fround(Math.exp(Math.fround(i * step)))));
  const row = Float32Array.from([...phases.map(Math.sin), ...phases.map(Math.cos), ...(width % 2 ? [0] : [])]);
  const data = new Float32Array(batch * width);
  for (let i = 0; i < batch; i++) data.set(row, i * width);
  return tensor(data, [batch, width]);
}

/**
 * Whether negative prompts have a say: not in distilled networks, which are told the scale and called once per step,
 * unless a guidance of the caller's asks for them.
 */
export function isGuided({ config }: ConditionalUNet, { guidanceScale, guidance }: SettledGuidance): boolean {
  return guidance !== undefined || (guidanceScale > 1 && config.timeCondProjDim === undefined);
}

/** What distilled networks are told of the guidance scale; nothing for others. */
export function distilledGuidance(
  { config: { timeCondProjDim: width } }: ConditionalUNet,
  guidanceScale: number,
  images: number,
): UNetConditions {
  return width === undefined ? {} : { timestepCond: guidanceEmbedding(guidanceScale, width, images) };
}
