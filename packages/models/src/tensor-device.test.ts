import { isRemote, localTensor, remoteTensor, torchRandom, weightedSum } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, expect, it } from "vitest";
import { keepingBackend } from "../../../tests/keeping-backend.js";
import { splitKept } from "./kept-tensor.js";
import { tensorDevice } from "./tensor-device.js";

const { backend, traffic } = keepingBackend(await onnxruntimeNode({ device: "cpu", worker: false }));
const device = tensorDevice(backend);
afterAll(() => device.dispose());

const shape = [2, 4, 3, 5];
const [a, b, c] = [torchRandom(1).normal(shape), torchRandom(2).normal(shape), torchRandom(3).normal(shape)];

it("computes sums of tensors wherever they are, and repeats them", async () => {
  const [x, twice] = await device.compute([{ value: a }, { value: weightedSum([[2, b]]), copies: 2 }]);
  expect([isRemote(x!), x!.shape, twice!.shape]).toEqual([true, [2, 4, 3, 5], [4, 4, 3, 5]]);
  const [first, second] = splitKept(twice!, 2);
  const sum = weightedSum([
    [0.5, x!],
    [-1, first!],
    [3, second!],
    [1, c],
  ]);
  const [found] = await device.compute([{ value: sum }]);
  const expected = weightedSum([
    [0.5, a],
    [4, b],
    [1, c],
  ]);
  const { data } = await localTensor(found!);
  data.forEach((value, i) => {
    expect(value).toBeCloseTo(expected.data[i]!, 5);
  });
  expect((await localTensor(second!)).data).toEqual(weightedSum([[2, b]]).data);
  await device.free([x!, twice!, found!]);
  expect(traffic.alive).toBe(0);
});

it("leaves what is needed still, also as a part", async () => {
  const [whole] = await device.compute([{ value: a, copies: 3 }]);
  const [, middle] = splitKept(whole!, 3);
  await device.free([whole!], [middle!]);
  expect((await localTensor(middle!)).data).toEqual(a.data);
  await device.free([middle!]);
  expect(traffic.alive).toBe(0);
});

it("refuses tensors of another device", async () => {
  const stray = remoteTensor(shape, async () => new Float32Array(120));
  await expect(device.compute([{ value: stray }])).rejects.toThrow(/another device/);
});
