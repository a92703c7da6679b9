import { tensor } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import type { Predictions } from "./guidance.js";
import { interval } from "./interval.js";

const one = (value: number) => tensor(Float32Array.of(value), [1, 1, 1, 1]);

/** What the guidance makes of 1 (the negative prompt's) and 2 (the prompt's) at a timestep. */
async function at(timestep: number, guidance: ReturnType<typeof interval>): Promise<number> {
  const predictions: Predictions = {
    timestep,
    parts: 2,
    conditional: async () => one(2),
    all: async () => [one(1), one(2)],
    perturbed: async () => one(0),
  };
  return (await guidance(predictions)).data[0] ?? Number.NaN;
}

describe("interval", () => {
  it("guides from one share of the training timesteps to another", async () => {
    const guidance = interval(7, 0.2, 0.7);
    const timesteps = [999, 800, 799.5, 799, 500, 300, 299, 1, 0];
    const made = await Promise.all(timesteps.map((timestep) => at(timestep, guidance)));
    expect(made).toEqual([2, 2, 8, 8, 8, 8, 2, 2, 2]); // 1 + 7·(2 − 1) = 8
  });

  it("is the guidance itself from 0 to 1", async () => {
    for (const timestep of [1000, 999, 400, 0]) expect(await at(timestep, interval(7, 0, 1))).toBe(8);
  });

  it("meets the next interval without a gap or an overlap", async () => {
    for (const share of [0.1, 0.3, 0.7, 0.8, 0.9]) {
      const [early, late] = [interval(7, 0, share), interval(7, share, 1)];
      const timesteps = Array.from({ length: 1000 }, (_, timestep) => timestep);
      const sums = await Promise.all(timesteps.map(async (t) => (await at(t, early)) + (await at(t, late))));
      expect(new Set(sums)).toEqual(new Set([8 + 2]));
    }
  });

  it("takes a guidance as a value, and one interval in another", async () => {
    const twice = interval(({ conditional }) => conditional().then(({ data }) => one(10 * data[0]!)), 0, 0.5);
    expect([await at(900, twice), await at(100, twice)]).toEqual([20, 2]);
    expect([await at(900, interval(twice, 0.3, 1)), await at(600, interval(twice, 0.3, 1))]).toEqual([2, 20]);
  });

  it("knows networks of other schedules", async () => {
    const guidance = interval(7, 0.5, 1, { numTrainTimesteps: 4000 });
    expect([await at(2000, guidance), await at(1999, guidance)]).toEqual([2, 8]);
  });

  it.each<[...Parameters<typeof interval>, string]>([
    [7, -0.1, 1, {}, "from: expected 0 to 1, got -0.1"],
    [7, 0, 1.5, {}, "to: expected 0 to 1, got 1.5"],
    [7, 0.2, Number.NaN, {}, "to: expected 0 to 1, got NaN"],
    [7, 0.5, 0.5, {}, "from: expected less than to, 0.5, got 0.5"],
    [7, 800, 200, {}, "from: expected 0 to 1, got 800"],
    [Number.NaN, 0, 1, {}, "guidanceScale: expected a finite number, got NaN"],
    [7, 0, 1, { numTrainTimesteps: 0 }, "numTrainTimesteps: expected a positive integer, got 0"],
  ])("throws for %j, %j, %j, %j", (guidance, from, to, options, message) => {
    expect(() => interval(guidance, from, to, options)).toThrow(new RangeError(message));
  });

  it("throws for what is no guidance", () => {
    const message = "guidance: expected a function such as classifierFree(7.5), got strong";
    // @ts-expect-error: a text
    expect(() => interval("strong", 0, 1)).toThrow(new TypeError(message));
  });
});
