import { type Tensor, tensor } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { maxDifference } from "../../../tests/golden.js";
import { checkTokenMerging, type TokenMerging } from "./check-token-merging.js";
import { GraphBuilder } from "./graph-builder.js";
import { tokenMergers } from "./token-merging.js";

const cpu = await onnxruntimeNode({ device: "cpu", worker: false, threads: 1 });

/** Values without a pattern: sin(i²). */
const wild = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * i)),
    shape,
  );
};

/** Tokens of pictures merged and restored by the graph. */
async function byGraph(x: Tensor, [height, width]: readonly [number, number], ratio: number) {
  const g = new GraphBuilder("merging");
  const tokens = g.floatInput("tokens", ["batch", "tokens", x.shape[2]!]);
  const pixels = g.floatInput("pixels", ["batch", 1, "height", "width"]);
  const merger = tokenMergers({ ratio })(0)!(g, pixels)(tokens);
  const merged = merger.merge(tokens);
  g.output("merged", merged);
  g.output("restored", merger.restore(merged));
  const session = await cpu.createSession(g.build());
  const outputs = await session.run({ tokens: x, pixels: wild([x.shape[0]!, 1, height, width]) });
  await session.dispose();
  return { merged: outputs.merged as Tensor, restored: outputs.restored as Tensor };
}

/** The same by plain loops: each token's group, as Bolya & Hoffman's `bipartite_soft_matching_random2d` makes them with `no_rand`. */
function byLoops(x: Tensor, [height, width]: readonly [number, number], ratio: number) {
  const [batch = 0, count = 0, features = 0] = x.shape;
  const restored = new Float32Array(x.data.length);
  for (let b = 0; b < batch; b++) {
    const token = (n: number) => x.data.subarray((b * count + n) * features, (b * count + n + 1) * features);
    const numbers = Array.from({ length: height * width }, (_, n) => n);
    const isDestination = (n: number) => Math.floor(n / width) % 2 === 0 && (n % width) % 2 === 0;
    const destinations = numbers.filter(isDestination);
    const matched = numbers
      .filter((n) => !isDestination(n))
      .map((source) => {
        const likeness = destinations.map((to) => cosine(token(source), token(to)));
        const best = Math.max(...likeness);
        return { source, best, to: destinations[likeness.indexOf(best)]! };
      })
      .sort((a, b) => b.best - a.best);
    const merged = matched.slice(0, Math.floor(count * ratio));
    const groupOf = new Map(merged.map(({ source, to }) => [source, to]));
    for (const n of numbers) {
      const home = groupOf.get(n) ?? n;
      const members = [home, ...merged.filter(({ to }) => to === home).map(({ source }) => source)];
      for (let f = 0; f < features; f++) {
        const sum = members.reduce((total, member) => total + token(member)[f]!, 0);
        restored[(b * count + n) * features + f] = sum / members.length;
      }
    }
  }
  return tensor(restored, x.shape);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (u: Float32Array, v: Float32Array) => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe("token merging", () => {
  it.each([
    [6, 8, 0.5],
    [6, 8, 0.75],
    [4, 10, 0.2],
    [5, 7, 0.5],
    [3, 1, 0.6],
    [1, 2, 0.5],
    [1, 1, 0.5],
  ])("of %i×%i tokens, %d of them", async (height, width, ratio) => {
    const x = wild([2, height * width, 5]);
    const { merged, restored } = await byGraph(x, [height, width], ratio);
    const sources = height * width - Math.ceil(height / 2) * Math.ceil(width / 2);
    const fewer = height * width - Math.min(Math.floor(height * width * ratio), sources);
    expect(merged.shape).toEqual([2, fewer, 5]);
    expect(maxDifference(restored, byLoops(x, [height, width], ratio))).toBeLessThan(1e-6);
  });

  // tomesd (commit 1f14c08): merge.bipartite_soft_matching_random2d(x, w=8, h=6, sx=2, sy=2, r=24, no_rand=True) with
  // x = sin(i²) of shape [2, 48, 5]; sums of merge(x), of |merge(x)| and of unmerge(merge(x)) · sin(1, 2, 3, …)
  it("is that of the paper's program", async () => {
    const { merged, restored } = await byGraph(wild([2, 48, 5]), [6, 8], 0.5);
    const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
    expect(sum(merged.data)).toBeCloseTo(-4.2036, 3);
    expect(sum(merged.data.map(Math.abs))).toBeCloseTo(143.938, 3);
    expect(sum(restored.data.map((value, i) => value * Math.sin(i + 1)))).toBeCloseTo(13.7403, 3);
  });

  it("is for the finest resolutions", () => {
    const merges = (merging: TokenMerging) => [0, 1, 2, 3].map((level) => tokenMergers(merging)(level) !== undefined);
    expect(merges({ ratio: 0.5 })).toEqual([true, false, false, false]);
    expect(merges({ ratio: 0.4, maxDownsample: 4 })).toEqual([true, true, true, false]);
  });

  it.each([
    [{ ratio: 0 }, "tokenMerging.ratio: expected above 0 and up to 0.75, got 0"],
    [{ ratio: 0.8 }, "tokenMerging.ratio: expected above 0 and up to 0.75, got 0.8"],
    [{ ratio: Number.NaN }, "tokenMerging.ratio: expected above 0 and up to 0.75, got NaN"],
    [{ ratio: 0.5, maxDownsample: 3 }, "tokenMerging.maxDownsample: expected 1, 2, 4 or another power of 2, got 3"],
    [{ ratio: 0.5, maxDownsample: 0.5 }, "tokenMerging.maxDownsample: expected 1, 2, 4 or another power of 2, got 0.5"],
  ])("refuses %j", (merging, message) => {
    expect(() => checkTokenMerging(merging)).toThrow(new RangeError(message));
    expect(() => tokenMergers(merging)).toThrow(new RangeError(message));
  });

  it("refuses what says nothing", () => {
    // @ts-expect-error: a number
    expect(() => checkTokenMerging(0.5)).toThrow(
      new TypeError("tokenMerging: expected an object such as { ratio: 0.5 }, got 0.5"),
    );
  });
});
