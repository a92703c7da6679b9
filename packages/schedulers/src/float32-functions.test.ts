import { expect, it } from "vitest";
import { numpyLog, torchExp, torchLog } from "./float32-functions.js";

// numpy 1.24 and torch 1.13 on x86, float32
const { fround } = Math;
const inputs = [0.029167529195547104, 0.5, 0.7071068286895752, 1, 1.5, 14.614645004272461, 20291.5];

it.each([
  ["numpyLog", numpyLog, -0.34657350182533264],
  ["torchLog", torchLog, -0.34657353162765503],
])("%s", (_, log, atSquareRoot) => {
  const ends = [2.6820240020751953, 9.917957305908203];
  const expected = [-3.5346992015838623, -0.6931471824645996, atSquareRoot, 0, 0.40546509623527527, ...ends];
  expect(inputs.map(log)).toEqual(expected);
  expect([log(0), log(Infinity), log(-1)]).toEqual([-Infinity, Infinity, Number.NaN]);
});

it("torchExp", () => {
  const values = [-10.5, -3.534698963165283, fround(-0.1), 0, fround(0.7), 2.6820240020751953, fround(9.9)];
  const expected = [
    2.753644912445452e-5, 0.0291675366461277, 0.904837429523468, 1, 2.0137526988983154, 14.614643096923828,
    19930.36328125,
  ];
  expect(values.map(torchExp)).toEqual(expected);
  expect([torchExp(-Infinity), torchExp(Infinity)]).toEqual([0, Infinity]);
});
