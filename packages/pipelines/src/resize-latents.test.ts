import { tensor } from "@latentkit/core";
import { expect, it } from "vitest";
import { resizeLatents } from "./resize-latents.js";

const latents = tensor(Float32Array.of(0, 1, 4, 9, 2, -3), [1, 2, 1, 3]);
const rounded = (values: Float32Array) => [...values].map((value) => Math.round(value * 1e4) / 1e4);

it("resizes as torch does", () => {
  // torch.nn.functional.interpolate(latents, size=(2, 5), mode="bilinear"), and with "nearest"
  const [bilinear, nearest] = (["bilinear", "nearest"] as const).map((filter) =>
    resizeLatents(latents, { height: 2, width: 5 }, filter),
  );
  expect(bilinear!.shape).toEqual([1, 2, 2, 5]);
  const row = [0, 0.4, 1, 2.8, 4];
  const other = [9, 6.2, 2, -1, -3];
  expect(rounded(bilinear!.data)).toEqual([...row, ...row, ...other, ...other]);
  const near = [0, 0, 1, 1, 4];
  expect([...nearest!.data.slice(0, 5)]).toEqual(near);
  // a size of its own
  expect(resizeLatents(latents, { height: 1, width: 3 }, "bilinear").data).toEqual(latents.data);
});
