import { type Fields, integer, listOf, nullable, oneOf, real, type Settings } from "./option-fields.js";

/** How the noise grows over training. */
export interface NoiseOptions {
  /** Training steps. @default 1000 */
  readonly numTrainTimesteps?: number | undefined;
  /** First beta. */
  readonly betaStart?: number | undefined;
  /** Last beta. */
  readonly betaEnd?: number | undefined;
  /** Curve between them. */
  readonly betaSchedule?: BetaSchedule | undefined;
  /** The betas themselves, one per training step, instead of a curve. @default null */
  readonly trainedBetas?: readonly number[] | null | undefined;
}

/**
 * Linear in β, linear in √β (Stable Diffusion), cosine (Nichol & Dhariwal 2021, eq. 17), exponential, sigmoid in β
 * (Xu et al. 2022, GeoDiff), Laplace in log SNR (Hang & Gu 2024). Each class knows some of them.
 */
export type BetaSchedule = "linear" | "scaled_linear" | "squaredcos_cap_v2" | "exp" | "sigmoid" | "laplace";

/** Diffusers' defaults, which differ between classes only in these three. */
export function noiseFields(
  betaStart = 0.0001,
  betaEnd = 0.02,
  betaSchedule: BetaSchedule = "linear",
  schedules: readonly BetaSchedule[] = ["linear", "scaled_linear", "squaredcos_cap_v2"],
): Fields<NoiseOptions> {
  return {
    numTrainTimesteps: integer(1000, 1),
    betaStart: real(betaStart, 0, 1),
    betaEnd: real(betaEnd, 0, 1),
    betaSchedule: oneOf(betaSchedule, schedules),
    trainedBetas: nullable(listOf(real(0, 0, 1))),
  };
}

/** Rescaling to zero terminal signal. */
export interface ZeroSnrOptions {
  /** Makes the last training step pure noise (Lin et al. 2023, algorithm 1). @default false */
  readonly rescaleBetasZeroSnr?: boolean | undefined;
}

const { fround } = Math;

/**
 * ᾱ of every training step, rounded to float32 wherever PyTorch rounds.
 * `floor` replaces a last ᾱ of 0, for the classes that divide by it.
 */
export function alphaBars(settings: Settings<NoiseOptions> & ZeroSnrOptions, floor?: number): Float32Array {
  const bars = cumulativeProduct(alphas(settings));
  if (!settings.rescaleBetasZeroSnr) return bars;
  const rescaled = cumulativeProduct(zeroTerminalAlphas(bars));
  if (floor !== undefined) rescaled[rescaled.length - 1] = floor;
  return rescaled;
}

/** σ = √((1 − ᾱ) / ᾱ) of every training step. */
export function trainingSigmas(bars: Float32Array): Float32Array {
  return bars.map((bar) => Math.sqrt(fround(fround(1 - bar) / bar)));
}

/** The smallest ᾱ of the classes that work in σ: float16's smallest subnormal. */
export const smallestAlphaBar: number = 2 ** -24;

function alphas(settings: Settings<NoiseOptions>): Float32Array {
  return betas(settings).map((beta) => 1 - beta);
}

function betas({
  numTrainTimesteps: count,
  betaStart,
  betaEnd,
  betaSchedule,
  trainedBetas,
}: Settings<NoiseOptions>): Float32Array {
  if (trainedBetas) {
    if (trainedBetas.length === count) return Float32Array.from(trainedBetas);
    throw new RangeError(`trainedBetas: expected numTrainTimesteps = ${count} values, got ${trainedBetas.length}`);
  }
  switch (betaSchedule) {
    case "linear":
      return torchLinspace(betaStart, betaEnd, count);
    case "scaled_linear":
      return torchLinspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), count).map((root) => root * root);
    case "squaredcos_cap_v2":
      return betasOf((t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2, count);
    case "exp":
      return betasOf((t) => Math.exp(t * -12), count);
    case "sigmoid":
      return torchLinspace(-6, 6, count).map(
        (x) => fround(fround(1 / (1 + Math.exp(-x))) * fround(betaEnd - betaStart)) + fround(betaStart),
      );
    case "laplace":
      return betasOf(laplaceAlphaBar, count);
    default:
      betaSchedule satisfies never;
      throw new RangeError(`betaSchedule: unknown ${String(betaSchedule)}`);
  }
}

/** √(snr / (1 + snr)) of a log SNR that is Laplace-distributed over training, as Diffusers has it. */
function laplaceAlphaBar(t: number): number {
  const logSnr = -0.5 * (t > 0.5 ? -1 : 1) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
  const snr = Math.exp(logSnr);
  return Math.sqrt(snr / (1 + snr));
}

/** Betas that make ᾱ follow a curve over [0, 1], none above 0.999. */
function betasOf(alphaBar: (t: number) => number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999),
  );
}

/**
 * torch.linspace in float32 as the CPU computes it: from both ends, in blocks of eight whose first value is one fused
 * multiply-add, and one by one after the last full pair of blocks.
 */
export function torchLinspace(start: number, end: number, count: number): Float32Array {
  if (count === 1) return Float32Array.of(start);
  const [first, last] = [fround(start), fround(end)];
  const step = fround(fround(last - first) / (count - 1));
  const at = (i: number): number =>
    fround(i < Math.floor(count / 2) ? first + step * i : last - step * (count - 1 - i));
  const blocks = count - (count % 16);
  return Float32Array.from({ length: count }, (_, i) =>
    i < blocks ? at(i - (i % 8)) + fround(step * (i % 8)) : at(i),
  );
}

/** torch.cumprod on the CPU: the product in double precision, each result rounded. */
function cumulativeProduct(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => {
    product *= value;
    return product;
  });
}

/** Shifts and scales √ᾱ so that the last is 0 and the first stays (Lin et al. 2023, algorithm 1). */
function zeroTerminalAlphas(bars: Float32Array): Float32Array {
  const roots = bars.map(Math.sqrt);
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const scale = fround(first / fround(first - last));
  const rescaled = roots.map((root) => fround(fround(root - last) * scale) ** 2);
  return rescaled.map((bar, i) => {
    const beta = fround(1 - (i === 0 ? bar : fround(bar / rescaled[i - 1]!)));
    return 1 - beta;
  });
}
