import { slice, type Tensor, tensor, torchRandom, weightedSum, zeros } from "@latentkit/core";
import type { UNetConditions } from "@latentkit/models";
import { EulerDiscreteScheduler } from "@latentkit/schedulers";
import { describe, expect, it } from "vitest";
import { denoise } from "./denoise.js";
import { classifierFree, type Guidance, rescaled } from "./guidance.js";
import { guided } from "./guided.js";
import { rescaleNoise } from "./rescale-noise.js";

interface Call {
  readonly items: number;
  readonly texts: readonly number[];
  readonly conditions: UNetConditions;
}

/** A network that answers each text with its own first number, and remembers what it was asked. */
function answering() {
  const calls: Call[] = [];
  const predict = async (sample: Tensor, _: unknown, context: Tensor, conditions: UNetConditions = {}) => {
    const [items = 0, ...shape] = sample.shape;
    const size = sample.size / items;
    const texts = Array.from({ length: items }, (_, i) => context.get(i, 0, 0));
    calls.push({ items, texts, conditions });
    const data = Float32Array.from({ length: sample.size }, (_, i) => texts[Math.floor(i / size)]! * (1 + (i % size)));
    return tensor(data, [items, ...shape]);
  };
  return { calls, predict };
}

const sample = zeros([2, 4, 2, 3]);
/** Texts that are one number each. */
const texts = (...values: number[]) => tensor(Float32Array.from(values), [values.length, 1, 1]);
const first = ({ data }: Tensor) => [data[0], data[24]];

describe("guided", () => {
  it("takes a scale: ε_∅ + s·(ε_c − ε_∅), the negative prompts first", async () => {
    const unet = answering();
    const noise = await guided(unet, sample, 5, texts(1, 2, 3, 5), 7);
    expect(first(noise)).toEqual([1 + 7 * (3 - 1), 2 + 7 * (5 - 2)]);
    expect(unet.calls).toMatchObject([{ items: 4, texts: [1, 2, 3, 5] }]);
  });

  it("asks for the prompts' share alone where there is no guidance", async () => {
    const unet = answering();
    expect(first(await guided(unet, sample, 5, texts(1, 2, 3, 5), 1))).toEqual([3, 5]);
    expect(first(await guided(unet, sample, 5, texts(3, 5), 7))).toEqual([3, 5]);
    expect(unet.calls.map(({ items }) => items)).toEqual([2, 2]);
  });

  it("takes a guidance as a value", async () => {
    const unet = answering();
    const context = texts(1, 2, 3, 5);
    const scaled = await guided(unet, sample, 5, context, 7);
    expect(await guided(unet, sample, 5, context, classifierFree(7))).toEqual(scaled);
    const contrast = await guided(unet, sample, 5, context, 7, { guidanceRescale: 0.7 });
    expect(await guided(unet, sample, 5, context, rescaled(7, 0.7))).toEqual(contrast);
    const conditional = await guided(unet, sample, 5, context, 1);
    expect(contrast).toEqual(rescaleNoise(scaled, conditional, 0.7));
  });

  it("takes one of the caller's own, with as many parts as the context has", async () => {
    const unet = answering();
    const sum: Guidance = async ({ all, parts, timestep }) => {
      expect([parts, timestep]).toEqual([3, 5]);
      return weightedSum((await all()).map((part, i) => [10 ** i, part]));
    };
    expect(first(await guided(unet, sample, 5, texts(1, 2, 3, 4, 5, 6), sum))).toEqual([531, 642]);
    await expect(guided(unet, sample, 5, texts(1, 2, 3, 4, 5, 6), 7)).rejects.toThrow(
      new RangeError("context: expected negative prompts and prompts, got 3 parts"),
    );
    await expect(guided(unet, sample, 5, texts(1, 2, 3), 7)).rejects.toThrow(
      new RangeError("context: expected 2 texts, or 4 for guidance, got 3"),
    );
  });

  it("asks the network once, however many guidances build on one another", async () => {
    const unet = answering();
    const half: Guidance = async (predictions) => {
      const both = await classifierFree(7)(predictions);
      const conditional = await predictions.conditional();
      return weightedSum([both, conditional, await predictions.conditional()].map((value) => [1, value]));
    };
    expect(first(await guided(unet, sample, 5, texts(1, 2, 3, 5), half))).toEqual([
      1 + 7 * 2 + 3 + 3,
      2 + 7 * 3 + 5 + 5,
    ]);
    expect(unet.calls.map(({ items }) => items)).toEqual([4]);
  });

  it("gives every item the conditions that are its own", async () => {
    const unet = answering();
    const one = { timestepCond: texts(8, 9).pick(null, null, 0), classLabels: [1, 2] };
    const both = { textEmbeds: texts(1, 2, 3, 4).pick(null, null, 0), classLabels: [1, 2, 3, 4] };
    const rows = (value: Tensor | undefined) =>
      Array.from({ length: value?.shape[0] ?? 0 }, (_, i) => value?.get(i, 0));
    await guided(unet, sample, 5, texts(1, 2, 3, 5), 7, { conditions: one });
    await guided(unet, sample, 5, texts(1, 2, 3, 5), 7, { conditions: both });
    await guided(unet, sample, 5, texts(1, 2, 3, 5), 1, { conditions: both });
    const [repeated, whole, last] = unet.calls.map(({ conditions }) => conditions);
    expect([rows(repeated?.timestepCond), repeated?.classLabels]).toEqual([
      [8, 9, 8, 9],
      [1, 2, 1, 2],
    ]);
    expect([rows(whole?.textEmbeds), whole?.classLabels]).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect([rows(last?.textEmbeds), last?.classLabels]).toEqual([
      [3, 4],
      [3, 4],
    ]);
  });

  it("gives every item what is added to its states; a batch of 1 serves all", async () => {
    const unet = answering();
    const state = (...values: number[]) => tensor(Float32Array.from(values), [values.length, 1, 1, 1]);
    const conditions = { downResiduals: [state(1, 2, 3, 4)], midResidual: state(5, 6), downIntraResiduals: [state(7)] };
    for (const guidance of [7, 1]) await guided(unet, sample, 5, texts(1, 2, 3, 5), guidance, { conditions });
    await guided(unet, sample, 5, texts(1, 2, 3, 5), 7, { conditions, sequential: true });
    const given = unet.calls.map(({ conditions: { downResiduals, midResidual, downIntraResiduals } }) =>
      [downResiduals?.[0], midResidual, downIntraResiduals?.[0]].map((value) => [...(value?.data ?? [])]),
    );
    expect(given).toEqual([
      [[1, 2, 3, 4], [5, 6, 5, 6], [7]],
      [[3, 4], [5, 6], [7]],
      [[1, 2], [5, 6], [7]],
      [[3, 4], [5, 6], [7]],
    ]);
  });
});

describe("denoise", () => {
  const plan = new EulerDiscreteScheduler().plan({ numInferenceSteps: 4 });
  const random = torchRandom(1);
  const start = () => plan.start(torchRandom(2).normal(sample.shape));
  const context = texts(0.1, 0.2);

  it("ends before a step, and returns the last state", async () => {
    const run = denoise(answering(), plan, start(), context, { random, until: 2 });
    const indices: number[] = [];
    let next = await run.next();
    for (; !next.done; next = await run.next()) indices.push(next.value.index);
    expect(indices).toEqual([1, 2]);
    expect(next.value.index).toBe(2);
  });

  it("goes on from a sample that it is handed", async () => {
    const run = denoise(answering(), plan, start(), context, { random });
    const { value } = await run.next();
    const other = slice(zeros([2, 4, 2, 3]), 0, 2);
    const changed = await run.next(other);
    const expected = plan.step({ ...value, sample: other }, await answering().predict(other, 0, context), random);
    expect(changed.value.sample).toEqual(expected.sample);
    await expect(run.next(zeros([1, 4, 2, 3]))).rejects.toThrow(
      new RangeError("latents: expected shape [2, 4, 2, 3], got [1, 4, 2, 3]"),
    );
  });

  it("takes a guidance in place of a scale", async () => {
    const network = answering();
    const guidance: Guidance = ({ conditional }) => conditional();
    for await (const _ of denoise(network, plan, start(), texts(1, 2, 3, 5), { random, guidance, until: 1 })) break;
    expect(network.calls).toMatchObject([{ texts: [3, 5] }]);
  });
});
