import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ModelFiles } from "@latentkit/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { memoryModel, openSource, readJson } from "./index.js";
import { openModel } from "./node.js";

const weights = Uint8Array.from({ length: 100 }, (_, i) => i);
const config = new TextEncoder().encode('{ "sample_size": 64 }');
let folder = "";

/** A plain model, and the same as the Hugging Face cache lays it out: `snapshots/<commit>` of links into `blobs`. */
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "latentkit-hub-")));
  await mkdir(join(folder, "plain/unet"), { recursive: true });
  await writeFile(join(folder, "plain/unet/config.json"), config);
  await writeFile(join(folder, "plain/unet/model.safetensors"), weights);
  await writeFile(join(folder, "outside.txt"), "outside");
  await mkdir(join(folder, "cache/blobs"), { recursive: true });
  await mkdir(join(folder, "cache/snapshots/abc/unet"), { recursive: true });
  for (const [name, blob, bytes] of [
    ["config.json", "c1", config],
    ["model.safetensors", "w2", weights],
  ] as const) {
    await writeFile(join(folder, "cache/blobs", blob), bytes);
    await symlink(`../../../blobs/${blob}`, join(folder, "cache/snapshots/abc/unet", name));
  }
  await symlink("../../../blobs/gone", join(folder, "cache/snapshots/abc/unet/gone.json"));
});
afterAll(() => rm(folder, { recursive: true }));

const inMemory = () => memoryModel({ "unet/config.json": config, "unet/model.safetensors": weights }, "memory");

describe.each<{ readonly kind: string; readonly open: () => Promise<ModelFiles>; readonly place: () => string }>([
  { kind: "a folder", open: () => openModel(join(folder, "plain")), place: () => join(folder, "plain") },
  {
    kind: "a cache of links",
    open: () => openModel(join(folder, "cache/snapshots/abc")),
    place: () => join(folder, "cache/snapshots/abc"),
  },
  { kind: "memory", open: async () => inMemory(), place: () => "memory" },
])("a model in $kind", ({ open, place }) => {
  it("says where it is", async () => {
    const model = await open();
    expect(model.location).toBe(place());
    expect(model.at("unet").location).toBe(join(place(), "unet"));
  });

  it("finds files by path, from the root or from a folder inside", async () => {
    const model = await open();
    for (const file of [await model.find("unet/config.json"), await model.at("unet").find("./config.json")]) {
      expect(file).toMatchObject({ name: "unet/config.json", size: config.length });
    }
    expect(await readJson(model, "unet/config.json")).toEqual({ sample_size: 64 });
  });

  it.each(["vae/config.json", "unet", "", ".", "unet/config.json/x", "unet/gone.json", "unet/a\0b", "__proto__"])(
    "has no file at %j",
    async (path) => {
      expect(await (await open()).find(path)).toBeUndefined();
    },
  );

  it("is never left by a path", async () => {
    const model = await open();
    const ways = ["..", "../", "..\\", "unet/../../", "unet/..", "./../"];
    for (const way of [...ways, "/", "C:\\", join(folder, "/")]) {
      for (const name of ["outside.txt", "unet/config.json", "../outside.txt"]) {
        expect(await model.find(way + name)).toBeUndefined();
        expect(await model.at(way).find(name)).toBeUndefined();
      }
    }
    expect(await model.at("unet").find("../unet/config.json")).toBeUndefined();
  });

  it("reads any range inside a file and refuses any other", async () => {
    const file = await (await open()).find("unet/model.safetensors");
    const offset = fc.oneof(fc.integer({ min: -2, max: 102 }), fc.constant(0.5), fc.constant(Number.NaN));
    await fc.assert(
      fc.asyncProperty(
        fc.option(offset, { nil: undefined }),
        fc.option(offset, { nil: undefined }),
        async (from = 0, length) => {
          const to = length === undefined ? 100 : from + length;
          const inside = [from, to].every(Number.isInteger) && from >= 0 && to >= from && to <= 100;
          const bytes = await file?.read(from, length).catch((error: unknown) => error);
          if (inside) expect(bytes).toEqual(weights.slice(from, to));
          else expect(bytes).toBeInstanceOf(RangeError);
        },
      ),
    );
    expect(await file?.read()).toEqual(weights);
    await expect(file?.read(90, 20)).rejects.toThrow(
      "offset, length: unet/model.safetensors has 100 bytes, asked for 20 bytes from byte 90",
    );
  });
});

describe("a folder", () => {
  it("gives real paths, links resolved", async () => {
    const plain = await (await openModel(join(folder, "plain"))).find("unet/config.json");
    expect(plain?.path).toBe(join(folder, "plain/unet/config.json"));
    const linked = await (await openModel(join(folder, "cache/snapshots/abc"))).find("unet/config.json");
    expect(linked?.path).toBe(join(folder, "cache/blobs/c1"));
    expect((await inMemory().find("unet/config.json"))?.path).toBeUndefined();
  });

  it("is opened by a file URL too", async () => {
    const url = pathToFileURL(join(folder, "plain"));
    for (const source of [url, url.href, `${url.href}/`]) {
      expect(await (await openModel(source)).find("unet/config.json")).toBeDefined();
    }
  });

  it("reports a file that became shorter or vanished", async () => {
    const path = join(folder, "plain/shrinking.bin");
    await writeFile(path, weights);
    const file = await (await openModel(join(folder, "plain"))).find("shrinking.bin");
    await truncate(path, 60);
    await expect(file?.read(50, 20)).rejects.toMatchObject({
      code: "invalid-checkpoint",
      message: expect.stringContaining(`${path}: the file ends at byte 60`),
    });
    expect(await file?.read(0, 60)).toEqual(weights.slice(0, 60));
    await rm(path);
    await expect(file?.read()).rejects.toMatchObject({ code: "file-not-found" });
  });
});

describe("openModel", () => {
  it("says where it looked for a folder, and what to pass", async () => {
    for (const source of ["./no/such/folder", "/no/such/folder", "folder", join(folder, "gone.safetensors")]) {
      await expect(openModel(source)).rejects.toMatchObject({
        name: "LatentKitError",
        code: "file-not-found",
        message: `no such folder or file: ${resolve(source)}; pass a folder in Diffusers layout, a .safetensors file, or the id of a model on the Hub (owner/name)`,
      });
    }
  });

  it("opens a single .safetensors file", async () => {
    const path = join(folder, "plain/unet/model.safetensors");
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href]) {
      const model = await openModel(source);
      expect(model).toMatchObject({ location: path, singleFile: { name: "model.safetensors", path, size: 100 } });
      expect(await model.find("./model.safetensors")).toBe(model.singleFile);
      for (const other of ["config.json", "../unet/model.safetensors", "unet/model.safetensors"]) {
        expect(await model.find(other)).toBeUndefined();
      }
      expect(await (await openSource(source, { subfolder: "unet" })).singleFile?.read(5, 2)).toEqual(
        weights.slice(5, 7),
      );
    }
    expect((await openModel(join(folder, "cache/snapshots/abc/unet/model.safetensors"))).singleFile?.path).toBe(
      join(folder, "cache/blobs/w2"),
    );
  });

  it.each([
    ["model.ckpt", /a pickle is not opened, because it can run code; take the .safetensors version/],
    ["model.pt", /a pickle/],
    ["diffusion_pytorch_model.bin", /a pickle/],
    ["model.gguf", /a .gguf file is not opened/],
    ["model.onnx", /one ONNX graph; pass the folder/],
    ["outside.txt", /not a .safetensors file; pass a folder/],
  ])("refuses %s", async (name, message) => {
    await writeFile(join(folder, name), "");
    await expect(openModel(join(folder, name))).rejects.toMatchObject({ code: "unsupported-model" });
    await expect(openModel(join(folder, name))).rejects.toThrow(message);
  });

  it("refuses what is no source", async () => {
    await expect(openModel(join(folder, "outside.txt/x"))).rejects.toMatchObject({ code: "file-not-found" });
    for (const source of ["", "  ", null, 5, {}, "ftp://example.com/x.safetensors"])
      await expect(openModel(source as never)).rejects.toThrow(/^source: expected/);
  });

  it("opens the embedded model when nothing is passed", async () => {
    vi.doMock("@latentkit/tiny-emoji", () => ({ modelUrl: pathToFileURL(`${join(folder, "plain")}/`) }));
    expect(await readJson(await openModel(), "unet/config.json")).toEqual({ sample_size: 64 });
    vi.doUnmock("@latentkit/tiny-emoji");
  });

  it("says how to install the embedded model", async () => {
    vi.resetModules();
    vi.doMock("@latentkit/tiny-emoji", () => {
      throw new Error("Cannot find package");
    });
    await expect(openModel()).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining("npm install @latentkit/tiny-emoji"),
    });
    vi.doUnmock("@latentkit/tiny-emoji");
  });
});
