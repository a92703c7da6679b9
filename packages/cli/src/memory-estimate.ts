import type { ComponentDescription } from "./describe-model.js";

/** What a run takes, for one picture of the model's own size with guidance. */
export interface MemoryEstimate {
  /** Pixels of a side. */
  readonly pictureSize: number;
  /** Bytes in single precision: on a CPU, where weights in half precision are widened. */
  readonly fp32: number;
  /** Bytes in half precision: on a GPU. */
  readonly fp16: number;
}

type Config = Readonly<Record<string, unknown>>;

/**
 * An estimate from the networks' sizes: all weights, and the larger of the two peaks of a run, which are the UNet's
 * attention scores at its finest level and the last block of the decoder. Undefined where there is no UNet to go by.
 */
export function memoryEstimate(
  components: readonly ComponentDescription[],
  configs: ReadonlyMap<string, Config>,
): MemoryEstimate | undefined {
  const unet = configs.get("unet");
  const hasWeights = components.some(({ name, parameters }) => name === "unet" && parameters > 0);
  const latentSize = unet && sideOf(unet.sample_size);
  if (!unet || !hasWeights || latentSize === undefined) return undefined;
  const vae = configs.get("vae");
  const pictureSize = latentSize * 2 ** Math.max(listOf(vae?.block_out_channels).length - 1, 0);
  const peak = Math.max(attentionNumbers(unet, latentSize), decoderNumbers(vae, pictureSize));
  const weights = components.reduce((sum, { parameters }) => sum + parameters, 0);
  return { pictureSize, fp32: 4 * (weights + peak), fp16: 2 * (weights + peak) };
}

/** Scores of all heads, for the picture with the prompt and without. */
function attentionNumbers(unet: Config, latentSize: number): number {
  const level = listOf(unet.down_block_types).findIndex((type) => String(type).includes("Attn"));
  if (level === -1) return 0;
  const heads = atLevel(unet.num_attention_heads ?? unet.attention_head_dim, level) ?? 8;
  const tokens = (latentSize / 2 ** level) ** 2;
  return 2 * heads * tokens * tokens;
}

/** Four layers of the decoder's finest level, whose input has the channels of the level before. */
function decoderNumbers(vae: Config | undefined, pictureSize: number): number {
  const [finest, before = finest] = listOf(vae?.block_out_channels);
  return typeof before === "number" ? 4 * before * pictureSize * pictureSize : 0;
}

function sideOf(size: unknown): number | undefined {
  const [side] = Array.isArray(size) ? size : [size];
  return typeof side === "number" ? side : undefined;
}

function atLevel(value: unknown, level: number): number | undefined {
  const found = Array.isArray(value) ? value[level] : value;
  return typeof found === "number" ? found : undefined;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
