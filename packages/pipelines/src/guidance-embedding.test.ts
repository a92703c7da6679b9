import { slice } from "@latentkit/core";
import { expect, it } from "vitest";
import { golden, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { guidanceEmbedding } from "./guidance-embedding.js";

// Made by Diffusers 0.32.2: get_guidance_scale_embedding of the pipeline, at w = guidance_scale - 1
const tensors = goldenTensors("models/unet_lcm.golden.safetensors");

it.each(["in0", "in1"])("is Diffusers' for %s", (run) => {
  const expected = golden(tensors, `${run}.timestep_cond`);
  const [batch = 0, width = 0] = expected.shape;
  const scales = golden(tensors, `${run}.guidance_minus_1`).data;
  for (const [row, scale] of scales.entries()) {
    const found = guidanceEmbedding(scale + 1, width, 1);
    // the phase is up to 9000: its float32 steps are 0.001 wide
    expect(maxDifference(found, slice(expected, row, row + 1))).toBeLessThan(1e-3);
  }
  expect(guidanceEmbedding(7.5, width, batch).shape).toEqual([batch, width]);
});
