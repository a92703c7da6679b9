import { describe, expect, it } from "vitest";
import { brownianTree } from "./brownian-tree.js";
import { spawnedSeed } from "./seed-sequence.js";

// numpy.random.SeedSequence(entropy, spawn_key=key, pool_size=24).generate_state(1) of numpy 1.24
it.each([
  [0, [], 4025752534],
  [42, [], 387750627],
  [42, [5, 9], 3354107858],
  [2 ** 40 + 3, [0, 0], 2818185428],
  [2 ** 53 - 1, [16777215, 24], 702474872],
] as const)("spawns numpy's seed from %i at %o", (entropy, key, seed) => {
  expect(spawnedSeed(entropy, key, 24)).toBe(seed);
});

const tree = brownianTree(0.0078125, 14.614645004272461, 42, [2, 3]);

describe("brownianTree", () => {
  // torchsde 0.2.6: BrownianInterval(t0=0.0078125, t1=14.614645004272461, size=(2, 3), entropy=42, tol=1e-6,
  // pool_size=24, halfway_tree=True); the second half of a millionth in t0 is rounded to even
  it.each([
    [0.0078125, 14.614645, [-1.7466296, -5.2059627, 2.1321669, -0.5717674, 1.7654815, 0.5308091]],
    [1.5, 3.25, [-3.119017, -0.1808215, -1.7468451, -0.3381798, -1.6221476, 0.3406614]],
    [3.25, 3.250001, [-0.000173126, 0.000739072, -0.001129088, -0.001680534, -0.000330973, 0.000903256]],
    [0, 2, [-0.9085091, -1.1080012, 0.2561367, 0.8961077, 0.4363652, 0.2906555]],
    [14, 20, [-0.9586427, -0.3412409, 0.3772763, 0.0623144, 0.4766636, 0.9348649]],
  ])("equals torchsde from %d to %d", (from, to, expected) => {
    tree(from, to).forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(3e-6);
    });
  });

  it("adds up, whatever is asked first", () => {
    const [whole, first, second] = [tree(1, 4), tree(1, 2.2), tree(2.2, 4)];
    whole.forEach((value, i) => {
      expect(Math.abs(value - first[i]! - second[i]!)).toBeLessThan(2e-6);
    });
  });

  it("does not move in no time", () => {
    expect([...tree(2, 2)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("has the variance of its length", () => {
    const values = brownianTree(0, 8, 7, [4000])(2.5, 5.5);
    const variance = values.reduce((sum, x) => sum + x ** 2, 0) / values.length;
    expect(Math.abs(variance - 3)).toBeLessThan(0.25);
  });
});
