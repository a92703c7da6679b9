import { tensor, zeros } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { imageFromTensor, RgbaImage, tensorFromImage } from "./index.js";

/** Sixteen high and nineteen wide; every byte value occurs in every channel. */
const picture = new RgbaImage({
  width: 19,
  height: 16,
  data: Uint8Array.from({ length: 19 * 16 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i >> 2) + (i % 4) * 85)),
});

const grey = (...values: number[]) =>
  tensor(Float32Array.from([...values, ...values, ...values]), [1, 3, 1, values.length]);
const bytes = (...values: number[]) =>
  [...(imageFromTensor(grey(...values))[0]?.data ?? [])].filter((_, i) => i % 4 === 0);

describe("images and tensors", () => {
  it("are converted into each other without loss, batches too", () => {
    const other = new RgbaImage({ ...picture, data: picture.data.map((byte, i) => (i % 4 === 3 ? 255 : 255 - byte)) });
    expect(imageFromTensor(tensorFromImage(picture))).toEqual([picture]);
    expect(imageFromTensor(tensorFromImage([picture, other, picture]))).toEqual([picture, other, picture]);
  });

  it("have height before width and channels as planes", () => {
    const image = new RgbaImage({ width: 2, height: 1, data: Uint8Array.from([255, 0, 51, 9, 0, 255, 204, 9]) });
    const { shape, data } = tensorFromImage(image);
    expect(shape).toEqual([1, 3, 1, 2]);
    // python3 -c "import numpy as np; print((2 * (np.float32([51, 204]) / np.float32(255)) - 1).tolist())"
    expect([...data]).toEqual([1, -1, -1, 1, -0.6000000238418579, 0.6000000238418579]);
  });

  it("clamp what lies outside, infinities included", () => {
    expect(bytes(-1, 1, -7, 7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)).toEqual([0, 255, 0, 255, 255, 0]);
  });

  it("round halves to even, as numpy does", () => {
    // python3 -c "import numpy as np; x = np.float32(np.array([64.5, 65.5, 66.5, 127.5]) / 255 * 2 - 1);
    //             y = (x / 2 + np.float32(.5)) * np.float32(255); print(y.tolist(), y.round().tolist())"
    // [64.5, 65.5, 66.5, 127.5] [64.0, 66.0, 66.0, 128.0]
    const halves = [64.5, 65.5, 66.5, 127.5];
    expect(bytes(...halves.map((half) => (half / 255) * 2 - 1))).toEqual([64, 66, 66, 128]);
  });

  it("are read through a view of other strides", () => {
    const value = tensorFromImage(picture);
    const copy = tensor(value.data.slice(), [1, 3, 16, 19]).transpose(0, 1, 3, 2);
    const [turned] = imageFromTensor(copy);
    expect([turned?.width, turned?.height]).toEqual([16, 19]);
    expect(turned?.data.slice(4, 8)).toEqual(picture.data.slice(19 * 4, 20 * 4));
  });

  it("refuse NaN instead of painting it black", () => {
    expect(() => imageFromTensor(grey(0, Number.NaN))).toThrow(/NaN: the networks overflowed/);
    expect(() => imageFromTensor(grey(Number.NaN))).toThrow(expect.objectContaining({ code: "run-failed" }));
  });

  it("refuse other shapes, sizes that differ and no image", () => {
    expect(() => imageFromTensor(zeros([1, 4, 8, 16]))).toThrow(
      new RangeError("image: expected shape [B, 3, H, W], got [1, 4, 8, 16]"),
    );
    const narrow = new RgbaImage({ width: 16, height: 19, data: picture.data });
    expect(() => tensorFromImage([picture, narrow])).toThrow(
      new RangeError("images: expected shape [16, 19], got [19, 16]"),
    );
    expect(() => tensorFromImage([])).toThrow(/^images: expected at least one/);
  });
});
