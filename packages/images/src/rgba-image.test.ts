import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadImage, pngText, RgbaImage } from "./index.js";

const picture = new RgbaImage({ width: 5, height: 3, data: Uint8Array.from({ length: 60 }, (_, i) => (i * 37) % 256) });
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-images-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("RgbaImage", () => {
  it("copies its pixels", () => {
    const data = new Uint8Array(8);
    const image = new RgbaImage({ width: 1, height: 2, data });
    data.fill(9);
    expect([...image.data]).toEqual(Array(8).fill(0));
  });

  it.each([
    [{ width: 0, height: 1, data: new Uint8Array() }, RangeError, /^width: expected a positive integer, got 0/],
    [{ width: 1, height: 1.5, data: new Uint8Array(6) }, RangeError, /^height: expected a positive integer, got 1.5/],
    [{ width: 2, height: 1, data: new Uint8Array(7) }, RangeError, /^data: 2x1 RGBA pixels are 8 bytes, got 7/],
    [{ width: 1, height: 1, data: [0, 0, 0, 0] }, TypeError, /^data: expected/],
  ])("refuses %j", (pixels, kind, message) => {
    expect(() => new RgbaImage(pixels as never)).toThrow(kind);
    expect(() => new RgbaImage(pixels as never)).toThrow(message);
  });

  it("becomes a blob that can be read again", async () => {
    const blob = await picture.toBlob({ text: { parameters: "a red apple" } });
    expect(blob.type).toBe("image/png");
    expect(await loadImage(blob)).toEqual(picture);
    expect(pngText(new Uint8Array(await blob.arrayBuffer()))).toEqual({ parameters: "a red apple" });
  });

  it("becomes image data of its own memory", () => {
    const data = picture.toImageData();
    expect(data).toMatchObject({ width: 5, height: 3, colorSpace: "srgb" });
    data.data.fill(0);
    expect(picture.data[1]).toBe(37);
  });
});

describe("save", () => {
  it("writes a PNG to a path or a file URL, over an older one too, and nothing else", async () => {
    const path = join(folder, "apple.png");
    await writeFile(path, "older");
    await picture.save(path, { text: { parameters: "a red apple" } });
    await picture.save(pathToFileURL(join(folder, "copy.PNG")));
    expect(await loadImage(path)).toEqual(picture);
    expect(pngText(await readFile(path))).toEqual({ parameters: "a red apple" });
    expect((await readdir(folder)).sort()).toEqual(["apple.png", "copy.PNG"]);
  });

  it("leaves nothing behind when it fails, and says why", async () => {
    await expect(picture.save(join(folder, "missing", "apple.png"))).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringMatching(/apple.png: its folder does not exist/),
    });
    // a folder cannot be replaced by a file
    await expect(picture.save(folder)).rejects.toMatchObject({ name: "LatentKitError", code: "run-failed" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("refuses other formats and empty paths", async () => {
    await expect(picture.save(join(folder, "apple.jpg"))).rejects.toThrow(/^path: only .png files are written/);
    await expect(picture.save("")).rejects.toThrow(TypeError);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("loadImage", () => {
  it("reads a path, a file URL, a data URL, bytes, a blob and image data", async () => {
    const path = join(folder, "apple.png");
    await picture.save(path);
    const bytes = new Uint8Array(await readFile(path));
    const dataUrl = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
    const sources = [path, pathToFileURL(path), pathToFileURL(path).href, dataUrl, new URL(dataUrl), bytes];
    for (const source of [...sources, new Blob([bytes]), picture.toImageData(), picture]) {
      expect(await loadImage(source)).toEqual(picture);
    }
  });

  it("reads bytes that are part of a larger buffer", async () => {
    const bytes = await picture.toPng();
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 7);
    expect(await loadImage(larger.subarray(7))).toEqual(picture);
  });

  it("says which file is missing", async () => {
    const path = join(folder, "missing.png");
    await expect(loadImage(path)).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining(path),
    });
    await expect(loadImage(folder)).rejects.toMatchObject({ code: "file-not-found" });
  });

  it("says which download failed", async () => {
    const fetched = vi.spyOn(globalThis, "fetch");
    fetched.mockResolvedValueOnce(new Response(null, { status: 404 }));
    await expect(loadImage("https://example.com/apple.png")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/^https:\/\/example.com\/apple.png: the server answered 404/),
    });
    fetched.mockRejectedValueOnce(new TypeError("fetch failed"));
    await expect(loadImage(new URL("https://example.com/apple.png"))).rejects.toMatchObject({
      code: "download-failed",
    });
    fetched.mockRestore();
  });

  it.each([null, undefined, 5, [], {}])("refuses %j", async (source) => {
    await expect(loadImage(source as never)).rejects.toThrow(/^source: expected a path, URL, Blob/);
  });
});
