import { readdirSync } from "node:fs";
import { type RandomSource, slice, type Tensor, tensor, torchRandom } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import type { Plan, PlanOptions } from "./scheduler.js";
import { schedulerFromConfig } from "./scheduler-from-config.js";

// Traces of Diffusers 0.32.2 (torch 1.13, CPU, float32); the files say how each was made. A case added to the folder is picked up.

interface Case {
  readonly name: string;
  readonly class: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly set_timesteps: Readonly<Record<string, unknown>>;
  readonly step_kwargs: Readonly<Record<string, unknown>>;
  readonly generator: { readonly seed: number } | null;
  readonly order: number;
  readonly init_noise_sigma: number;
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[] | null;
  readonly strength: number | null;
  readonly begin_index: number;
  readonly model: string;
  readonly steps: readonly { t: number; stored: boolean; scaled_is_sample?: boolean; noise_draws?: number }[];
  readonly add_noise_timesteps: readonly number[] | null;
  readonly measured_vs_double: { readonly max_rel_to_max: number };
}

const cases = readdirSync(`${fixtures}schedulers`)
  .filter((file) => file.endsWith(".json") && file !== "from_config.json")
  .map((file) => goldenJson<Case>(`schedulers/${file}`));

const camelCase = (key: string): string => key.replace(/_[a-z]/g, (pair) => pair.charAt(1).toUpperCase());

function optionsOf({ set_timesteps, step_kwargs }: Case): PlanOptions {
  const entries = Object.entries({ ...set_timesteps, ...step_kwargs });
  return Object.fromEntries(entries.map(([key, value]) => [camelCase(key), value]));
}

const maxOf = ({ data }: Tensor): number => data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);

/** Largest difference over the largest value of the reference. */
const relative = (ours: Tensor, reference: Tensor): number => maxDifference(ours, reference) / maxOf(reference);

/** The stand-in network that the traces were made with. */
function network(formula: string, x: Tensor, t: number): Tensor {
  const mean = x.data.map((value) => 0.7 * Math.sin(2 * value) + 0.1 * Math.cos(t / 100));
  if (!formula.includes("concatenated")) return tensor(mean, x.shape);
  const [batch = 0, channels = 0, ...rest] = x.shape;
  const size = mean.length / batch;
  const out = new Float32Array(mean.length * 2);
  const variance = x.data.map((value) => 0.3 + 0.2 * Math.cos(value));
  for (let i = 0; i < batch; i++) {
    out.set(mean.subarray(i * size, (i + 1) * size), 2 * i * size);
    out.set(variance.subarray(i * size, (i + 1) * size), (2 * i + 1) * size);
  }
  return tensor(out, [batch, 2 * channels, ...rest]);
}

/** Hands out one tensor and counts. */
function oneNoise(noise: Tensor | undefined): RandomSource & { draws: number } {
  const unused = (): never => {
    throw new Error("a scheduler draws normal values only");
  };
  return {
    draws: 0,
    normal() {
      this.draws++;
      return noise ?? unused();
    },
    uniform: unused,
    integers: unused,
    save: unused,
  };
}

/** The second of two equal timesteps, as Diffusers' index_for_timestep has it. */
function indexOf({ timesteps }: Plan, t: number): number {
  const all = timesteps.flatMap((one, i) => (Math.abs(one - t) < 1e-3 ? [i] : []));
  return all[1] ?? all[0]!;
}

describe.each(cases)("$name", (trace) => {
  const scheduler = schedulerFromConfig({ ...trace.config, _class_name: trace.class });
  const whole = scheduler.plan(optionsOf(trace));
  const plan = trace.strength === null ? whole : scheduler.plan({ ...optionsOf(trace), strength: trace.strength });
  const tensors = goldenTensors(`schedulers/${trace.name}.safetensors`);
  const reference = (name: string): Tensor => golden(tensors, name);
  // near σ = 4096 float32 itself is further off: there, four times the reference's own distance from double precision
  const tolerance = trace.init_noise_sigma > 4000 ? 4 * trace.measured_vs_double.max_rel_to_max : 1e-5;

  it("plans the same levels", () => {
    expect(whole.timesteps.length).toBe(trace.timesteps.length);
    whole.timesteps.forEach((t, i) => {
      const expected = trace.timesteps[i]!;
      // fractions come from float32 logarithms, whose last bit differs between libraries
      if (Number.isInteger(expected)) expect(t).toBe(expected);
      else expect(Math.abs(t - expected)).toBeLessThan(1e-6 * Math.max(expected, 1));
    });
    expect(whole.sigmas === undefined).toBe(trace.sigmas === null);
    expect(whole.sigmas?.length).toBe(trace.sigmas?.length);
    whole.sigmas?.forEach((sigma, i) => {
      const expected = trace.sigmas![i]!;
      expect(Math.abs(sigma - expected)).toBeLessThanOrEqual(1e-6 * expected);
    });
    expect(whole.initNoiseSigma).toBeCloseTo(trace.init_noise_sigma, 5);
    expect(plan.order).toBe(trace.order);
    expect(plan.timesteps).toEqual(whole.timesteps.slice(trace.begin_index));
  });

  it("adds the same noise", () => {
    (trace.add_noise_timesteps ?? []).forEach((t, i) => {
      const of = (name: string): Tensor => slice(reference(`add_noise.${name}`), i, i + 1);
      expect(relative(whole.addNoise(of("original"), of("noise"), indexOf(whole, t)), of("out"))).toBeLessThan(
        tolerance,
      );
    });
    if (!tensors.has("img2img.noised")) return;
    const { sample, index } = plan.startFrom(reference("img2img.original"), reference("img2img.noise"));
    expect(index).toBe(0);
    expect(relative(sample, reference("img2img.noised"))).toBeLessThan(tolerance);
  });

  it("takes the same steps", () => {
    let state = plan.state(reference("sample0"));
    // stored where the step is; between those, the generator's stream
    const stream = torchRandom(trace.generator?.seed ?? 0);
    trace.steps.forEach(({ t, stored, scaled_is_sample, noise_draws = 0 }, i) => {
      const input = plan.scaleModelInput(state);
      if (scaled_is_sample) expect(input).toBe(state.sample);
      else if (stored) expect(relative(input, reference(`step${i}.scaled`))).toBeLessThan(tolerance);
      const output = stored ? reference(`step${i}.model_output`) : network(trace.model, input, t);
      // the formula's slope is at most 1.4, so outputs differ by what inputs do
      if (stored)
        expect(maxDifference(network(trace.model, input, t), output)).toBeLessThan(2 * tolerance * (maxOf(input) + 1));
      const drawn = noise_draws > 0 ? stream.normal(state.sample.shape) : undefined;
      const random = oneNoise(drawn && (stored ? reference(`step${i}.noise`) : drawn));
      state = plan.step(state, output, random);
      expect(random.draws).toBe(noise_draws);
      if (!stored) return;
      expect(relative(state.sample, reference(`step${i}.prev_sample`))).toBeLessThan(tolerance);
      const predicted = ["pred_original_sample", "denoised"].find((name) => tensors.has(`step${i}.${name}`));
      if (predicted)
        expect(relative(state.predOriginalSample!, reference(`step${i}.${predicted}`))).toBeLessThan(tolerance);
    });
    expect(state.index).toBe(plan.timesteps.length);
    expect(relative(state.sample, reference("final"))).toBeLessThan(tolerance);
  });
});
