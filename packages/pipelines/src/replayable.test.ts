import { torchRandom } from "@latentkit/core";
import { expect, it } from "vitest";
import { replayable } from "./replayable.js";

it("gives its last numbers again, of every kind, and goes on where the source is", () => {
  const expected = torchRandom(5);
  const all = [1, 2, 3, 4].map(() => expected.normal([2, 3]));
  const { random, rewind, forget } = replayable(torchRandom(5));
  const first = [random.normal([2, 3]), random.normal([2, 3])];
  rewind();
  expect([random.normal([2, 3]), random.normal([2, 3])]).toEqual(first);
  expect(random.normal([2, 3])).toEqual(all[2]);
  forget();
  rewind();
  expect(random.normal([2, 3])).toEqual(all[3]);
  expect(first).toEqual(all.slice(0, 2));

  const [one, same] = [replayable(torchRandom(7)), torchRandom(7)];
  const drawn = () => [one.random.uniform([3]), one.random.integers(0, 9, [3])];
  const before = drawn();
  one.rewind();
  expect(drawn()).toEqual(before);
  expect(before).toEqual([same.uniform([3]), same.integers(0, 9, [3])]);
  expect(one.random.save()).toEqual(same.save());
});
