import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sharpPicture } from "../../../tests/sharp-picture.js";
import { canny } from "./canny.js";
import type { Pixels } from "./pixels.js";

/** Two discs over squares and ramps. */
function discs(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 4);
  const inside = (x: number, y: number, area: number, value: number) => (x * x + y * y < area ? value : 0);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const red = inside(x - 20, y - 15, 120, 200) + ((x * y) % 13);
      const green = inside(x - 40, y - 30, 300, 90) + x * 2;
      const blue = ((Math.floor(x / 9) + Math.floor(y / 7)) % 2) * 60 + y;
      data.set([red, green, blue, x % 256], (y * width + x) * 4);
    }
  return { width, height, data };
}

const pictures = { sharp: sharpPicture, discs };

describe("canny", () => {
  // opencv-python-headless 5.0.0: e = cv2.Canny(rgb, low, high); (e > 0).sum(), sha256(e.tobytes())
  it.each([
    ["sharp", [61, 43], [100, 200], 813, "437dae1f762779d6"],
    ["sharp", [64, 96], [50, 150], 1882, "332f89424a16dca7"],
    ["sharp", [40, 33], [200, 100], 392, "f6852184db4d36c3"],
    ["sharp", [17, 9], [20.9, 60.2], 45, "268608d8fd9f8ad5"],
    ["sharp", [1, 30], [10, 20], 2, "1455592665bbe9ba"],
    ["sharp", [33, 1], [0, 0], 7, "ae6194c6c947ef50"],
    ["sharp", [1, 1], [100, 200], 0, "6e340b9cffb37a98"],
    ["sharp", [52, 77], [900, 1500], 0, "411ce3ddb1438dde"],
    ["discs", [61, 43], [100, 200], 585, "cfc8fcc1c65ef372"],
    ["discs", [64, 96], [50, 150], 1366, "91f7681403f311f4"],
    ["discs", [40, 33], [200, 100], 277, "662e42595321ddcd"],
    ["discs", [17, 9], [20.9, 60.2], 38, "cc574b5c9809ebb9"],
    ["discs", [1, 30], [10, 20], 4, "673fb59bc12f30ca"],
  ] as const)("%s of %j between %j", (name, [width, height], [lowThreshold, highThreshold], count, hash) => {
    const { data, ...size } = canny(pictures[name](width, height), { lowThreshold, highThreshold });
    expect(size).toEqual({ width, height });
    const edges = data.filter((_, i) => i % 4 === 0);
    expect(edges.filter(Boolean).length).toBe(count);
    expect(createHash("sha256").update(edges).digest("hex").slice(0, 16)).toBe(hash);
  });

  it("draws opaque white on black, between 100 and 200, and leaves its argument alone", () => {
    const picture = discs(30, 20);
    const before = picture.data.slice();
    const edges = canny(picture);
    expect(edges).toEqual(canny(picture, { lowThreshold: 100, highThreshold: 200 }));
    expect(new Set(edges.data.filter((_, i) => i % 4 < 3))).toEqual(new Set([0, 255]));
    expect(edges.data.every((value, i) => i % 4 < 3 || value === 255)).toBe(true);
    expect(picture.data).toEqual(before);
  });

  it("refuses thresholds that are none", () => {
    const wrong = (options: Parameters<typeof canny>[1]) => () => canny(discs(3, 4), options);
    expect(wrong({ lowThreshold: -1 })).toThrow(new RangeError("lowThreshold: expected a number of 0 or more, got -1"));
    expect(wrong({ highThreshold: Number.NaN })).toThrow("highThreshold: expected a number of 0 or more, got NaN");
  });
});
