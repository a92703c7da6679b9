import { expect, it } from "vitest";
import { betaQuantile } from "./beta-quantile.js";

// python -c "from scipy.stats import beta; print(beta.ppf(p, a, b))"; the last one from the polynomial
// 1 - (1 - x)^5 (1 + 5 x) in exact fractions, which scipy misses by 2e-11
it.each([
  [1e-6, 0.6, 0.6, 1.8558824624053043e-10],
  [0.01, 0.6, 0.6, 0.0008612388215429059],
  [1 / 9, 0.6, 0.6, 0.04709181754904242],
  [0.25, 0.6, 0.6, 0.17568037865269498],
  [0.7, 0.6, 0.6, 0.7659829961247643],
  [0.999, 0.6, 0.6, 0.9999814412614826],
  [0.01, 2, 5, 0.026763191142755053],
  [0.7, 2, 5, 0.36035769038002197],
])("is right at p = %d of Beta(%d, %d)", (p, a, b, expected) => {
  expect(Math.abs(betaQuantile(p, a, b) / expected - 1)).toBeLessThan(1e-12);
});

it("has the ends of the interval", () => {
  expect([0, 0.5, 1].map((p) => betaQuantile(p, 0.6, 0.6))).toEqual([0, expect.closeTo(0.5, 14), 1]);
});
