import { describe, expect, it } from "vitest";
import { golden, goldenTensors } from "../../../tests/golden.js";
import { alphaBars, smallestAlphaBar, torchLinspace } from "./noise-schedule.js";

// alphas_cumprod of Diffusers 0.32.2 (torch 1.13, float32), once per beta schedule
const tensors = goldenTensors("schedulers/alphas_cumprod.safetensors");

const common = { numTrainTimesteps: 1000, trainedBetas: null };
const scaledLinear = { ...common, betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;
const linear = { ...common, betaStart: 0.0001, betaEnd: 0.02, betaSchedule: "linear" } as const;
const trainedBetas = [
  0.01, 0.025263, 0.040526, 0.055789, 0.071053, 0.086316, 0.101579, 0.116842, 0.132105, 0.147368, 0.162632, 0.177895,
  0.193158, 0.208421, 0.223684, 0.238947, 0.254211, 0.269474, 0.284737, 0.3,
];

describe("alphaBars equals Diffusers bit for bit", () => {
  it.each([
    ["scaled_linear", "acp0", alphaBars(scaledLinear)],
    ["linear", "acp1", alphaBars(linear)],
    ["scaled_linear rescaled to zero terminal SNR", "acp2", alphaBars({ ...scaledLinear, rescaleBetasZeroSnr: true })],
    ["squaredcos_cap_v2", "acp3", alphaBars({ ...scaledLinear, betaSchedule: "squaredcos_cap_v2" })],
    ["rescaled, with a floor", "acp8", alphaBars({ ...scaledLinear, rescaleBetasZeroSnr: true }, smallestAlphaBar)],
    ["trained betas", "acp12", alphaBars({ ...linear, numTrainTimesteps: 20, trainedBetas })],
  ])("%s", (_, name, ours) => {
    expect(ours).toEqual(golden(tensors, name).data);
  });
});

it("refuses trained betas of another length", () => {
  expect(() => alphaBars({ ...linear, trainedBetas: [0.1] })).toThrow(
    new RangeError("trainedBetas: expected numTrainTimesteps = 1000 values, got 1"),
  );
});

it("spaces one value without dividing by zero", () => {
  expect([...torchLinspace(0.5, 1, 1)]).toEqual([0.5]);
});
