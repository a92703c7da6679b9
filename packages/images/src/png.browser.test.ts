import { expect, it } from "vitest";
import { loadImage, pngText, RgbaImage } from "./index.js";
import { pngSuite } from "./png.suite.js";

pngSuite();

const picture = new RgbaImage({
  width: 24,
  height: 16,
  data: Uint8Array.from({ length: 24 * 16 * 4 }, (_, i) => (i % 4 === 3 ? 255 : Math.floor(i / 96) * 8 + (i % 4) * 40)),
});

it("a picture becomes image data and a blob, which browsers read", async () => {
  const blob = await picture.toBlob({ text: { parameters: "a red apple" } });
  expect(blob.type).toBe("image/png");
  expect(pngText(new Uint8Array(await blob.arrayBuffer())).parameters).toBe("a red apple");
  const bitmap = await createImageBitmap(blob);
  expect(await loadImage(bitmap)).toEqual(picture);
  expect(picture.toImageData()).toBeInstanceOf(ImageData);
  expect(await loadImage(picture.toImageData())).toEqual(picture);
});

it("a picture is read from an address, a canvas and a blob", async () => {
  const canvas = new OffscreenCanvas(24, 16);
  canvas.getContext("2d")?.putImageData(picture.toImageData(), 0, 0);
  const element = Object.assign(document.createElement("canvas"), { width: 24, height: 16 });
  element.getContext("2d")?.putImageData(picture.toImageData(), 0, 0);
  const url = URL.createObjectURL(await picture.toBlob());
  for (const source of [canvas, element, url, new URL(url), await picture.toBlob()])
    expect(await loadImage(source)).toEqual(picture);
});

it.each(["image/jpeg", "image/webp"])("a picture of type %s is read", async (type) => {
  const canvas = new OffscreenCanvas(24, 16);
  canvas.getContext("2d")?.putImageData(picture.toImageData(), 0, 0);
  const blob = await canvas.convertToBlob({ type, quality: 1 });
  expect(blob.type).toBe(type);
  const { width, height, data } = await loadImage(blob);
  expect([width, height]).toEqual([24, 16]);
  expect(Math.max(...data.map((value, i) => Math.abs(value - picture.data[i]!)))).toBeLessThan(12);
  const cut = blob.slice(0, blob.size >> 1);
  await expect(loadImage(cut)).rejects.toMatchObject({ code: "invalid-image" });
});

it("a relative path is an address of the page's server", async () => {
  await expect(loadImage("no-such-folder/picture.png")).rejects.toMatchObject({ name: "LatentKitError" });
  await expect(picture.save("apple.png")).rejects.toThrow(
    /^save: a page cannot write files; offer the picture of toBlob/,
  );
});
