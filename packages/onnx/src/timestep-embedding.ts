import { silu } from "./activation.js";
import { add, cast, concatenate, fixedAxis } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { linear } from "./linear.js";
import type { Weights } from "./weights.js";

/** How positions become waves. */
export interface SinusoidOptions {
  /** Cosines before sines, as Stable Diffusion has it. */
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
}

/** sin and cos of t·10000^(−i / (half − shift)). t: `[…, 1]` float32, result `[…, width]` (Vaswani et al. 2017, §3.5; Diffusers' `Timesteps`) */
export function sinusoid(
  g: GraphBuilder,
  t: GraphValue,
  width: number,
  { flipSinToCos, freqShift }: SinusoidOptions,
): GraphValue {
  const half = width / 2;
  const shape = [...t.shape.slice(0, -1), half];
  const phase = g.node("Mul", [t, g.constant("float32", waveFrequencies(half, freqShift))], { shape });
  const sin = g.node("Sin", [phase], { shape });
  const cos = g.node("Cos", [phase], { shape });
  return concatenate(g, flipSinToCos ? [cos, sin] : [sin, cos], -1);
}

/** Rounded to float32 after every operation: timesteps reach 1000, so a last digit here is a fourth decimal in the phase. */
function waveFrequencies(half: number, freqShift: number): number[] {
  const scale = Math.fround(-Math.log(10000));
  return Array.from({ length: half }, (_, i) =>
    Math.fround(Math.exp(Math.fround(Math.fround(scale * i) / (half - freqShift)))),
  );
}

/** W₂·silu(W₁·(x + W₀·condition)), `[…, outFeatures]`; the condition is the guidance scale of distilled networks (Diffusers' `TimestepEmbedding`). */
export function timestepEmbedding(
  g: GraphBuilder,
  w: Weights,
  x: GraphValue,
  outFeatures: number,
  condition?: GraphValue,
): GraphValue {
  const projection = { outFeatures: fixedAxis(x.shape, -1), bias: false };
  const waves = cast(g, x, g.float);
  const input = condition ? add(g, waves, linear(g, w.at("cond_proj"), condition, projection)) : waves;
  return linear(g, w.at("linear_2"), silu(g, linear(g, w.at("linear_1"), input, { outFeatures })));
}
