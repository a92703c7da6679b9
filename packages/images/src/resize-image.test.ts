import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sharpPicture as picture } from "../../../tests/sharp-picture.js";
import { resizeImage } from "./resize-image.js";

describe("resizeImage", () => {
  // Pillow 9.4: Image.fromarray(picture, "RGBA").resize((width, height), Resampling.LANCZOS); first pixels, sum and sha256
  it.each([
    [[13, 7], [24, 16], false, [0, 0, 0, 255, 6, 0, 0, 255], 198088, "34948fc55d7024da"],
    [[40, 30], [16, 24], false, [26, 0, 1, 255, 132, 2, 10, 255], 236813, "4fc679cfbbd20fee"],
    [[9, 5], [9, 8], false, [0, 0, 0, 255, 36, 0, 1, 255], 31036, "67d264c346a56029"],
    [[11, 6], [8, 6], true, [7, 0, 0, 251, 58, 0, 2, 219], 16075, "a6d744f3a08de47c"],
    [[5, 5], [1, 1], false, [96, 20, 12, 255], 383, "9c58854036e3bd60"],
    [[1, 1], [3, 2], false, [0, 0, 0, 255, 0, 0, 0, 255], 1530, "c773395b22498456"],
    [[6, 4], [13, 9], true, [0, 0, 0, 255, 3, 0, 0, 255], 32335, "fafa51d6caac3d64"],
  ] as const)("%j to %j, transparent: %s", ([fromWidth, fromHeight], [width, height], transparent, head, sum, hash) => {
    const { data, ...size } = resizeImage(picture(fromWidth, fromHeight, transparent), { width, height });
    expect(size).toEqual({ width, height });
    expect([...data.subarray(0, 8)]).toEqual(head);
    expect(data.reduce((total, byte) => total + byte, 0)).toBe(sum);
    expect(createHash("sha256").update(data).digest("hex").slice(0, 16)).toBe(hash);
  });

  // the same with Pillow 12.3 and Resampling.BICUBIC
  it.each([
    [[13, 7], [24, 16], [0, 0, 0, 255, 7, 0, 0, 255], 198030, "28545a044c3d972e"],
    [[40, 30], [16, 24], [32, 1, 1, 255, 127, 2, 11, 255], 236782, "7f3531c1751c3c10"],
    [[9, 5], [9, 8], [0, 0, 0, 255, 36, 0, 1, 255], 31051, "ef08a307334a553f"],
  ] as const)("%j to %j by the cubic filter", ([fromWidth, fromHeight], [width, height], head, sum, hash) => {
    const { data } = resizeImage(picture(fromWidth, fromHeight, false), { width, height }, "bicubic");
    expect([...data.subarray(0, 8)]).toEqual(head);
    expect(data.reduce((total, byte) => total + byte, 0)).toBe(sum);
    expect(createHash("sha256").update(data).digest("hex").slice(0, 16)).toBe(hash);
    // @ts-expect-error: not a filter
    expect(() => resizeImage(picture(2, 2, false), { width, height }, "box")).toThrow(
      new RangeError("filter: expected one of lanczos, bicubic, got box"),
    );
  });

  it("copies a picture that has the size already, and leaves its argument alone", () => {
    const image = picture(4, 3, true);
    const before = image.data.slice();
    expect([...resizeImage(image, { width: 4, height: 3 }).data]).toEqual([...before]);
    resizeImage(image, { width: 9, height: 2 });
    expect(image.data).toEqual(before);
  });

  it("names the side that is none", () => {
    expect(() => resizeImage(picture(2, 2, false), { width: 0, height: 4 })).toThrow(
      new RangeError("width: expected a positive integer, got 0"),
    );
  });
});
