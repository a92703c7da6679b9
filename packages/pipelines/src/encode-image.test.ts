import { type Tensor, torchRandom, zeros } from "@latentkit/core";
import { RgbaImage } from "@latentkit/images";
import { AutoencoderKL } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, golden, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { decodeLatents } from "./decode-latents.js";
import { encodeImage } from "./encode-image.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let vae: AutoencoderKL;
beforeAll(async () => {
  vae = await AutoencoderKL.fromPretrained(`${fixtures}pipelines/tiny-sd`, { subfolder: "vae", backend });
});
afterAll(() => vae.dispose());

/** A picture with a colour of its own in every pixel. */
function picture(width: number, height: number, alpha = 255): RgbaImage {
  const pixels = Array.from({ length: width * height }, (_, i) => [
    (i * 7) % 256,
    (i * 3) % 256,
    (i * 11) % 256,
    alpha,
  ]);
  return new RgbaImage({ width, height, data: Uint8Array.from(pixels.flat()) });
}

describe("encodeImage", () => {
  it("cuts the size to multiples of 8 pixels, or takes the one asked for", async () => {
    expect((await encodeImage(vae, picture(50, 30))).shape).toEqual([1, 4, 3, 6]);
    expect((await encodeImage(vae, picture(50, 30), { height: 40, width: 16 })).shape).toEqual([1, 4, 5, 2]);
    expect((await encodeImage(vae, picture(50, 30), { width: 16 })).shape).toEqual([1, 4, 3, 2]);
    // a list is brought to the size of its first picture
    expect((await encodeImage(vae, [picture(50, 30), picture(16, 64)])).shape).toEqual([2, 4, 3, 6]);
  });

  it("reads files, bytes and tensors as the same picture", async () => {
    const file = `${fixtures}pipelines/inputs/image.png`;
    const expected = await encodeImage(vae, file);
    const image = goldenTensors("models/vae_sd.golden.safetensors");
    const sample = golden(image, "enc0.image");
    expect(maxDifference(await encodeImage(vae, sample), await vae.encode(sample))).toBe(0);
    const { readFile } = await import("node:fs/promises");
    const bytes = new Uint8Array(await readFile(file));
    for (const source of [bytes, new Blob([bytes]), new URL(`file://${file}`)])
      expect(await encodeImage(vae, source)).toEqual(expected);
  });

  it("drops alpha, as Diffusers does", async () => {
    const expected = await encodeImage(vae, picture(16, 24));
    expect(await encodeImage(vae, picture(16, 24, 40))).toEqual(expected);
    const resized = { height: 40, width: 32 };
    expect(await encodeImage(vae, picture(16, 24, 0), resized)).toEqual(
      await encodeImage(vae, picture(16, 24), resized),
    );
  });

  it("draws from the posterior, and takes pictures in turn", async () => {
    const [a, b] = [picture(16, 24), picture(24, 16)];
    const size = { height: 16, width: 16 };
    const drawn = await encodeImage(vae, [a, b], { ...size, random: torchRandom(3), count: 4 });
    const half = drawn.data.length / 2;
    expect(drawn.shape).toEqual([4, 4, 2, 2]);
    expect(drawn.data.slice(half)).toEqual(drawn.data.slice(0, half));
    expect(drawn).not.toEqual(await encodeImage(vae, [a, b], { ...size, count: 4 }));
    const apart = await encodeImage(vae, a, { ...size, random: torchRandom(3), count: 2, isDrawnApart: true });
    expect(apart.data.slice(0, 16)).not.toEqual(apart.data.slice(16));
  });

  it("gives latents back, which decode to pictures", async () => {
    const latents = torchRandom(4).normal([1, 4, 3, 5]);
    expect(await encodeImage(vae, latents)).toEqual(latents);
    const [image] = await decodeLatents(vae, latents);
    expect([image?.width, image?.height]).toEqual([40, 24]);
  });

  it("names what is no picture", async () => {
    const wrong: [unknown, Error][] = [
      [undefined, new TypeError("image: expected a picture (a path, URL, Blob, bytes, ImageData or tensor), got none")],
      [[], new RangeError("image: expected at least one picture, got none")],
      [zeros([1, 5, 8, 8]), new RangeError("image: expected shape [images, 3, height, width], got [1, 5, 8, 8]")],
      [zeros([1, 3, 8, 12]), new RangeError("image: expected a width that is a multiple of 8, got 12")],
      [
        picture(1, 1),
        new RangeError("image: expected at least 8 pixels a side, got 1x1; give height and width to enlarge it"),
      ],
    ];
    for (const [image, error] of wrong) await expect(encodeImage(vae, image as Tensor)).rejects.toThrow(error);
    await expect(encodeImage(vae, [picture(8, 8), picture(8, 8)], { count: 3 })).rejects.toThrow(
      new RangeError("image: expected 1 picture or as many as divide the 3 of this run, got 2"),
    );
    // @ts-expect-error: not a picture
    await expect(encodeImage(vae, 7)).rejects.toThrow("source: expected a path");
    await expect(encodeImage(vae, "./none.png")).rejects.toMatchObject({ code: "file-not-found" });
  });
});
