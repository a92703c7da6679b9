import { expect, it } from "vitest";
import { adamsBashforth } from "./adams-bashforth.js";
import { lagrangeWeights } from "./lagrange-weights.js";

const differs = (ours: readonly number[], expected: readonly number[]): number =>
  Math.max(...ours.map((value, i) => Math.abs(value - expected[i]!)));

it.each([1, 2, 3, 4])("gives Adams and Bashforth's weights for %i even steps", (order) => {
  const nodes = Array.from({ length: order }, (_, i) => -1 - i);
  expect(differs(lagrangeWeights(nodes, -1), adamsBashforth[order - 1]!)).toBeLessThan(1e-14);
});

it.each([-1, 1, 1.25])("integrates a polynomial exactly against an exponential of rate %d", (rate) => {
  const nodes = [-0.8, -1.1, -2, 0];
  const polynomial = (u: number): number => 2 - u + 3 * u ** 2 - 0.5 * u ** 3;
  const weights = lagrangeWeights(nodes, -0.8, rate);
  const sum = weights.reduce((total, weight, i) => total + weight * polynomial(nodes[i]!), 0);
  const steps = 20_000;
  const middle = Array.from({ length: steps }, (_, i) => -0.8 + (0.8 * (i + 0.5)) / steps);
  const integral = middle.reduce((total, u) => total + (Math.exp(rate * u) * polynomial(u) * 0.8) / steps, 0);
  expect(Math.abs(sum - integral)).toBeLessThan(1e-8);
});
