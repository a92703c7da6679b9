import { describe, expect, it } from "vitest";
import { slerp } from "./slerp.js";
import { tensor, zeros } from "./tensor.js";
import { torchRandom } from "./torch-random.js";
import { weightedSum } from "./weighted-sum.js";

const vector = (...values: number[]) => tensor(Float32Array.from(values), [values.length]);
const draw = (seed: number) => torchRandom(seed).normal([1, 4, 24, 40]);
const spread = ({ data }: { data: Float32Array }) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);

describe("slerp", () => {
  it("walks the arc between two tensors", () => {
    const steps = [-0.5, 0, 0.25, 0.5, 1].map((t) => slerp(vector(1, 0), vector(0, 1), t).data);
    const angles = steps.map(([x = 0, y = 0]) => Math.atan2(y, x) / (Math.PI / 2));
    for (const [i, t] of [-0.5, 0, 0.25, 0.5, 1].entries()) expect(angles[i]).toBeCloseTo(t, 6);
    for (const [x = 0, y = 0] of steps) expect(Math.hypot(x, y)).toBeCloseTo(1, 6);
  });

  it("keeps unit noise unit noise, where a mean does not", () => {
    const [a, b] = [draw(1), draw(2)];
    expect(slerp(a, b, 0)).toEqual(a);
    expect(slerp(a, b, 1)).toEqual(b);
    for (const t of [0.1, 0.5, 0.8]) expect(spread(slerp(a, b, t))).toBeCloseTo(1, 1);
    const mean = weightedSum([a, b].map((value) => [0.5, value]));
    expect(spread(mean)).toBeCloseTo(Math.SQRT1_2, 1);
  });

  it("takes the chord where the two are alike, or one is zero", () => {
    expect(slerp(vector(2, 4), vector(2, 4), 0.3).data).toEqual(Float32Array.of(2, 4));
    expect(slerp(zeros([2]), vector(2, 4), 0.5).data).toEqual(Float32Array.of(1, 2));
    expect(slerp(vector(1, 0), vector(3, 0), 0.5).data).toEqual(Float32Array.of(2, 0));
  });

  it.each([
    ["to: expected shape [2], got [3]", vector(1, 0), vector(1, 0, 0), 0.5],
    ["t: expected a finite number, got NaN", vector(1, 0), vector(0, 1), Number.NaN],
    ["to: expected no opposite of from, between which every arc is as long", vector(1, 0), vector(-2, 0), 0.5],
  ])("throws: %s", (message, from, to, t) => {
    expect(() => slerp(from, to, t)).toThrow(new RangeError(message));
  });
});
