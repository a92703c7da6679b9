import { describe, expect, it } from "vitest";
import { isRemote, localTensor, RemoteValuesError, remoteTensor, remoteTerms } from "./remote-tensor.js";
import { contiguous, tensor, zeros } from "./tensor.js";
import { weightedSum } from "./weighted-sum.js";

const shape = [1, 2, 3, 5];
const there = () => remoteTensor(shape, async () => new Float32Array(30).fill(2));

describe("a remote tensor", () => {
  it("has a shape, and no values to look at", () => {
    const value = there();
    expect(value.shape).toEqual(shape);
    expect(isRemote(value)).toBe(true);
    expect(() => value.data).toThrow(RemoteValuesError);
    expect(() => value.get(0, 0, 0, 0)).toThrow(/the 30 values of this tensor are on another device/);
    expect(contiguous(value)).toBe(value);
  });

  it("is read", async () => {
    const value = await localTensor(there());
    expect(value).toEqual(tensor(new Float32Array(30).fill(2), shape));
    expect(isRemote(value)).toBe(false);
    expect(await localTensor(value)).toBe(value);
  });

  it("gives remote sums, which come down to sums of tensors that are not, each once", async () => {
    const [a, b, here] = [there(), there(), zeros(shape)];
    const noise = weightedSum([
      [-6.5, a],
      [7.5, b],
    ]);
    const next = weightedSum([
      [2, noise],
      [0.5, a],
      [3, here],
    ]);
    expect(next.shape).toEqual(shape);
    expect(remoteTerms(next)).toEqual([
      [-12.5, a],
      [15, b],
      [3, here],
    ]);
    expect(remoteTerms(a)).toEqual([[1, a]]);
    expect(remoteTerms(here)).toEqual([[1, here]]);
    await expect(localTensor(next)).rejects.toThrow(/compute it there first/);
  });

  it("is summed with its like only", () => {
    expect(() =>
      weightedSum([
        [1, there()],
        [1, zeros([1, 2, 5, 3])],
      ]),
    ).toThrow(new RangeError("terms: expected shape [1, 2, 3, 5], got [1, 2, 5, 3]"));
  });
});
