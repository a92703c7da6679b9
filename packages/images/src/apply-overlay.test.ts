import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { sharpPicture } from "../../../tests/sharp-picture.js";
import { applyOverlay } from "./apply-overlay.js";
import type { Pixels } from "./pixels.js";

/** Black on the left, white on the right, grey in between. */
function softMask(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
    if (i % 4 !== 3) data[i] = Math.min(Math.max((x - 3) * 40 + y * 7, 0), 255);
  }
  return { width, height, data };
}

const mask = softMask(12, 9);
const repainted = sharpPicture(16, 8);
const box = { left: 3, top: 2, width: 7, height: 6 };

// Diffusers 0.40.0.dev0 with Pillow 12.3: VaeImageProcessor().apply_overlay(mask, original, repainted, box); sums and sha256
it.each([
  ["of an opaque picture", false, undefined, 57826, "60863ec143a4a6bb"],
  ["of an opaque picture, in a box", false, box, 46592, "6934779d284b7502"],
  ["of a transparent picture", true, undefined, 58266, "d41e1e7e8f17c043"],
  ["of a transparent picture, in a box", true, box, 43831, "375a52789dac3332"],
])("lays what the mask keeps %s over the repainted one", (_, transparent, part, sum, hash) => {
  const { data } = applyOverlay(mask, sharpPicture(12, 9, transparent), repainted, part);
  expect(data.reduce((total, byte) => total + byte, 0)).toBe(sum);
  expect(createHash("sha256").update(data).digest("hex").slice(0, 16)).toBe(hash);
});

it("keeps every byte where the mask is black", () => {
  const black = { ...mask, data: mask.data.map((_, i) => (i % 4 === 3 ? 255 : 0)) };
  const original = sharpPicture(12, 9);
  expect([...applyOverlay(black, original, repainted).data]).toEqual([...original.data]);
});

it("refuses a mask of another size", () => {
  expect(() => applyOverlay(softMask(9, 12), sharpPicture(12, 9), repainted)).toThrow(
    new RangeError("mask: expected the picture's size, 12x9, got 9x12"),
  );
});
