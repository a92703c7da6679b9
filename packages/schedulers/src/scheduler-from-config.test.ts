import { LatentKitError } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { goldenJson } from "../../../tests/golden.js";
import type { SchedulerConfig } from "./scheduler.js";
import { schedulerClasses, schedulerFromConfig } from "./scheduler-from-config.js";

interface Case {
  readonly source: string;
  readonly source_config: SchedulerConfig;
  readonly target: string;
  readonly config: SchedulerConfig;
  readonly timesteps_n8: readonly number[];
}

// Target.from_config(loaded.config) in Diffusers 0.32.2; cases whose classes are not here yet wait for them
const { cases } = goldenJson<{ cases: readonly Case[] }>("schedulers/from_config.json");
const ready = cases.filter(({ target }) => Object.hasOwn(schedulerClasses, target));

const withoutPrivate = (config: SchedulerConfig): SchedulerConfig =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith("_")));

describe.each(ready)("$target from the $source checkpoint", ({ source_config, target, config, timesteps_n8 }) => {
  const loaded = schedulerFromConfig(source_config);
  const made = schedulerFromConfig({ ...loaded.config, _class_name: target });

  it("ends up with the same configuration", () => {
    expect(loaded.name).toBe(source_config._class_name);
    expect(made.name).toBe(target);
    expect(withoutPrivate(made.config)).toEqual(config);
  });

  it("visits the same timesteps", () => {
    const { timesteps } = made.plan({ numInferenceSteps: 8 });
    expect(timesteps.length).toBe(timesteps_n8.length);
    timesteps.forEach((t, i) => {
      const expected = timesteps_n8[i]!;
      // fractions come from float32 logarithms, whose last bit differs between libraries
      expect(Math.abs(t - expected)).toBeLessThanOrEqual(Number.isInteger(expected) ? 0 : 1e-6 * expected);
    });
  });
});

const euler = { _class_name: "EulerDiscreteScheduler", beta_schedule: "scaled_linear", prediction_type: "epsilon" };

function errorOf(config: SchedulerConfig): unknown {
  try {
    return schedulerFromConfig(config);
  } catch (error) {
    return error;
  }
}

describe("schedulerFromConfig", () => {
  it("lists the classes it knows", () => {
    const error = errorOf({ ...euler, _class_name: "SomeScheduler" });
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({
      code: "unsupported-model",
      message: expect.stringMatching(
        /_class_name is "SomeScheduler"; supported: .*DDIMScheduler, .*UniPCMultistepScheduler/,
      ),
    });
    expect(errorOf({})).toMatchObject({ message: expect.stringContaining("missing") });
  });

  it.each([
    [{ prediction_type: "noise" }, 'prediction_type: expected one of "epsilon", "sample", "v_prediction", got "noise"'],
    [{ num_train_timesteps: "1000" }, 'num_train_timesteps: expected an integer of at least 1, got "1000"'],
    [{ use_karras_sigmas: true, use_beta_sigmas: true }, "useKarrasSigmas, useBetaSigmas: expected at most one"],
  ])("names the key that is not supported: %o", (wrong, message) => {
    expect(errorOf({ ...euler, ...wrong })).toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining(message),
    });
  });

  it("reads minus infinity, bare or as a string, and writes strict JSON", () => {
    const solver = { _class_name: "DPMSolverMultistepScheduler" };
    for (const lambda_min_clipped of [-Infinity, "-Infinity"]) {
      const { config } = schedulerFromConfig({ ...solver, lambda_min_clipped });
      expect(config.lambda_min_clipped).toBe("-Infinity");
      expect(schedulerFromConfig(JSON.parse(JSON.stringify(config))).config).toEqual(config);
    }
  });

  it("takes the names other classes have for the same thing", () => {
    const { config } = schedulerFromConfig({
      _class_name: "DPMSolverMultistepScheduler",
      solver_type: "bh2",
      algorithm_type: "deis",
    });
    expect(config).toMatchObject({ solver_type: "midpoint", algorithm_type: "dpmsolver++" });
    expect(schedulerFromConfig({ ...config, _class_name: "UniPCMultistepScheduler" }).config.solver_type).toBe("bh2");
  });

  it("refuses combinations that have no meaning", () => {
    const solver = { _class_name: "DPMSolverMultistepScheduler" };
    expect(errorOf({ ...solver, algorithm_type: "dpmsolver" })).toMatchObject({
      message: expect.stringContaining("finalSigmasType"),
    });
    expect(errorOf({ ...solver, solver_order: 4 })).toMatchObject({
      message: expect.stringContaining("orders 1 to 3, got 4"),
    });
    expect(errorOf({ ...solver, prediction_type: "flow_prediction" })).toMatchObject({
      message: expect.stringContaining("useFlowSigmas"),
    });
  });
});
