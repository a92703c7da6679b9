import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sharpPicture } from "../../../tests/sharp-picture.js";
import { canny } from "./canny.js";
import { depth } from "./depth.js";
import { grey, greyImage } from "./grey.js";
import { conditionTensor } from "./image-tensor.js";
import type { RgbaImage } from "./rgba-image.js";
import { scribble, scribbleFromDrawing } from "./scribble.js";
import { tile } from "./tile.js";

const picture = sharpPicture(37, 23, true);

const sha256 = (values: Uint8ClampedArray): string => createHash("sha256").update(values).digest("hex").slice(0, 16);
const reds = ({ data }: RgbaImage) => data.filter((_, i) => i % 4 === 0);
const isOpaqueGrey = ({ data }: RgbaImage) =>
  data.every((value, i) => (i % 4 === 3 ? value === 255 : value === data[i - (i % 4)]));

describe("grey", () => {
  // Pillow 12: Image.fromarray(rgb).convert("L")
  it("is Pillow's, without alpha", () => {
    const image = grey(picture);
    expect([...reds(image).subarray(0, 6)]).toEqual([0, 11, 23, 34, 46, 58]);
    expect(sha256(reds(image))).toBe("5ec6aa31b0513c8c");
    expect(isOpaqueGrey(image)).toBe(true);
  });
});

describe("scribble", () => {
  it("thickens the edges that canny finds", () => {
    const edges = canny(picture, { lowThreshold: 300, highThreshold: 600 });
    const options = { lowThreshold: 300, highThreshold: 600 };
    expect(scribble(picture, { ...options, thickness: 1 })).toEqual(edges);
    const sizes = [1, 3, 5, 9].map(
      (thickness) => reds(scribble(picture, { ...options, thickness })).filter(Boolean).length,
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    // every edge lies within its line
    const thick = reds(scribble(picture, options));
    expect(reds(edges).every((value, i) => value === 0 || thick[i] === 255)).toBe(true);
  });

  it("draws a line as thick as asked, up to the border", () => {
    // black left, white right: one column of edges
    const step = greyImage({ width: 12, height: 5 }, (x) => (x < 3 ? 0 : 255));
    const line = (thickness: number) =>
      [...reds(scribble(step, { thickness }))].slice(24, 36).flatMap((value, x) => (value ? [x] : []));
    expect(line(1)).toEqual([2]);
    expect(line(3)).toEqual([1, 2, 3]);
    expect(line(7)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("refuses lines without a middle", () => {
    for (const thickness of [0, 2, 1.5, Number.NaN])
      expect(() => scribble(picture, { thickness })).toThrow(
        new RangeError(`thickness: expected an odd number from 1 up, got ${thickness}`),
      );
  });
});

describe("scribbleFromDrawing", () => {
  // numpy: np.where(rgb.min(2) < 127, 255, 0)
  it("is the authors' rule", () => {
    const image = scribbleFromDrawing(picture);
    expect(reds(image).filter(Boolean).length).toBe(778);
    expect(sha256(reds(image))).toBe("56254a3f9d7ae45b");
    expect(isOpaqueGrey(image)).toBe(true);
  });
});

describe("depth", () => {
  const ramp = greyImage({ width: 3, height: 2 }, (x, y) => 50 + 20 * x + 60 * y);

  it("reaches from black to white, either way", () => {
    // (value - 50) / 100 · 255
    expect([...reds(depth(ramp))]).toEqual([0, 51, 102, 153, 204, 255]);
    expect([...reds(depth(ramp, { invert: true }))]).toEqual([255, 204, 153, 102, 51, 0]);
    expect(isOpaqueGrey(depth(picture))).toBe(true);
  });

  it("leaves one distance as it is", () => {
    const wall = greyImage({ width: 2, height: 3 }, () => 90);
    expect(new Set(reds(depth(wall)))).toEqual(new Set([90]));
    expect(new Set(reds(depth(wall, { invert: true })))).toEqual(new Set([165]));
  });
});

describe("tile", () => {
  // Pillow 12: Image.fromarray(rgb).resize((9, 6), LANCZOS).resize((37, 23), LANCZOS)
  it("is the picture made smaller and larger again", () => {
    const { data, width, height } = tile(picture);
    expect([width, height]).toEqual([37, 23]);
    expect([...data.subarray(0, 8)]).toEqual([71, 8, 4, 255, 78, 8, 5, 255]);
    expect(sha256(data.filter((_, i) => i % 4 < 3))).toBe("7ddb1afa4dcc7bf8");
  });

  it("keeps the picture at factor 1, and one colour at a large one", () => {
    expect(tile(picture, { factor: 1 }).data.filter((_, i) => i % 4 < 3)).toEqual(
      new Uint8ClampedArray(picture.data.filter((_, i) => i % 4 < 3)),
    );
    expect(new Set(reds(tile(picture, { factor: 100 }))).size).toBe(1);
    expect(() => tile(picture, { factor: 0.5 })).toThrow(
      new RangeError("factor: expected a number of 1 or more, got 0.5"),
    );
  });
});

describe("conditionTensor", () => {
  it("is the bytes over 255, as planes", () => {
    const { shape, data } = conditionTensor([picture, grey(picture)]);
    expect(shape).toEqual([2, 3, 23, 37]);
    const at = 5 * 37 + 11;
    expect([0, 1, 2].map((plane) => data[plane * 23 * 37 + at])).toEqual(
      [0, 1, 2].map((channel) => Math.fround(picture.data[4 * at + channel]! / 255)),
    );
  });

  it("is the brightness for networks of one channel", () => {
    const { shape, data } = conditionTensor(picture, { channels: 1 });
    expect(shape).toEqual([1, 1, 23, 37]);
    expect(data).toEqual(Float32Array.from(reds(grey(picture)), (byte) => byte / 255));
    // @ts-expect-error: no such channels
    expect(() => conditionTensor(picture, { channels: 4 })).toThrow(new RangeError("channels: expected 1 or 3, got 4"));
    expect(() => conditionTensor([picture, sharpPicture(3, 4)])).toThrow("images: expected shape [23, 37], got [4, 3]");
  });
});
