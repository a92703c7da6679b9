import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { etagOf, folderFiles, type HubServer, startHub } from "../../../tests/hub-server.js";
import { browseModel, cachedModels, downloadModel, removeModel } from "./node.js";

const [first, second] = ["1".repeat(40), "2".repeat(40)];
const tiny = folderFiles("pipelines/tiny-sd");
const unet = "unet/diffusion_pytorch_model.safetensors";
const config = new TextEncoder().encode('{ "in_channels": 4 }');
const id = "acme/tiny-sd";

let hub: HubServer;
let cacheDir = "";
beforeAll(async () => {
  hub = await startHub({});
});
afterAll(() => hub.close());
beforeEach(async () => {
  hub.repositories[id] = { files: tiny, commit: first };
  hub.repositories["acme/single"] = { files: { "dream.safetensors": tiny[unet]! }, commit: first };
  cacheDir = await mkdtemp(join(tmpdir(), "latentkit-cache-"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("HF_HUB_OFFLINE", "");
});
afterEach(async () => {
  hub.reset();
  vi.unstubAllEnvs();
  await rm(cacheDir, { recursive: true });
});

const sizeOf = (files: Readonly<Record<string, Uint8Array>>) =>
  Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0);

/** Two revisions that share all but one file. */
async function downloadTwo(): Promise<void> {
  await downloadModel(id, { cacheDir });
  hub.repositories[id] = { files: { ...tiny, "unet/config.json": config }, commit: second, refs: ["v2"] };
  await downloadModel(id, { cacheDir, revision: "v2" });
}

describe("the models in the cache", () => {
  it("are listed with what they share counted once", async () => {
    expect(await cachedModels({ cacheDir: join(cacheDir, "none") })).toEqual([]);
    await downloadTwo();
    await writeFile(join(cacheDir, "models--acme--tiny-sd/blobs/abc.incomplete"), "12345");
    await mkdir(join(cacheDir, "models--acme--begun/blobs"), { recursive: true });
    await mkdir(join(cacheDir, "datasets--acme--x/snapshots"), { recursive: true });
    const [begun, model] = await cachedModels({ cacheDir });
    expect(begun).toMatchObject({ id: "acme/begun", size: 0, revisions: [] });
    expect(model).toMatchObject({ id, size: sizeOf(tiny) + config.length + 5, incomplete: 5 });
    expect(model?.revisions).toMatchObject([
      { commit: first, refs: ["main"], size: sizeOf(tiny), files: Object.keys(tiny).sort() },
      { commit: second, refs: ["v2"], size: sizeOf({ ...tiny, "unet/config.json": config }) },
    ]);
    expect(Math.abs((model?.lastUsed.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it.each(["v2", second, second.slice(0, 8)])(
    "go by revision (%s), and leave what another one has",
    async (revision) => {
      await downloadTwo();
      expect(await removeModel(id, { cacheDir, revision })).toEqual({
        freed: config.length,
        paths: [join(cacheDir, "models--acme--tiny-sd/snapshots", second)],
      });
      const [model] = await cachedModels({ cacheDir });
      expect(model?.revisions).toMatchObject([{ commit: first, refs: ["main"], files: Object.keys(tiny).sort() }]);
      const blobs = await readdir(join(cacheDir, "models--acme--tiny-sd/blobs"));
      expect(blobs.sort()).toEqual(
        Object.entries(tiny)
          .map(([path, bytes]) => etagOf(path, bytes))
          .sort(),
      );
      expect(await readdir(join(cacheDir, "models--acme--tiny-sd/refs"))).toEqual(["main"]);
    },
  );

  it("go whole, with the last revision too", async () => {
    await downloadModel(id, { cacheDir });
    expect(await removeModel(id, { cacheDir, revision: "main" })).toEqual({
      freed: sizeOf(tiny),
      paths: [join(cacheDir, "models--acme--tiny-sd")],
    });
    expect(await cachedModels({ cacheDir })).toEqual([]);
    await downloadTwo();
    await expect(removeModel("acme/none", { cacheDir })).rejects.toThrow(/not in the cache; there are: acme\/tiny-sd/);
    await expect(removeModel(id, { cacheDir, revision: "v3" })).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringMatching(/no revision v3 in the cache; there are: 1111.* = main, 2222.* = v2/),
    });
    expect(await removeModel(id, { cacheDir })).toMatchObject({ freed: sizeOf(tiny) + config.length });
  });
});

describe("browsing a model", () => {
  it("reads by range where it is, and keeps nothing", async () => {
    const model = await browseModel(id, { cacheDir });
    const file = await model.at("unet").find("diffusion_pytorch_model.safetensors");
    expect(file).toMatchObject({ name: unet, size: tiny[unet]!.length });
    expect(file?.path).toBeUndefined();
    expect(await file?.read(100, 50)).toEqual(new Uint8Array(tiny[unet]!.subarray(100, 150)));
    expect(await file?.read(5, 0)).toEqual(new Uint8Array());
    await expect(file?.read(-1)).rejects.toBeInstanceOf(RangeError);
    expect(await model.find("unet/none.json")).toBeUndefined();
    hub.faults.ignoresRanges = true;
    expect(await file?.read(7, 3)).toEqual(new Uint8Array(tiny[unet]!.subarray(7, 10)));
    expect(await readdir(cacheDir)).toEqual([]);
    expect((await browseModel("acme/single", { cacheDir })).singleFile).toMatchObject({ name: "dream.safetensors" });
  });

  it("looks at what is on this machine first", async () => {
    const { path } = await downloadModel(id, { cacheDir });
    hub.reset();
    expect((await browseModel(`${hub.url}/${id}`, { cacheDir })).location).toBe(path);
    expect(hub.requests).toEqual([]);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(browseModel("acme/single", { cacheDir })).rejects.toThrow(/^HF_HUB_OFFLINE is set/);
  });

  it("mends what passes, and tells what does not", async () => {
    const file = await (await browseModel(id, { cacheDir })).find(unet);
    hub.faults.statuses = [{ status: 503 }];
    expect((await file?.read(0, 8))?.length).toBe(8);
    hub.faults.statuses = Array.from({ length: 5 }, () => ({ status: 503, headers: { "retry-after": "0" } }));
    await expect(file?.read(0, 8)).rejects.toMatchObject({ code: "download-failed" });
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
    await expect(browseModel(id, { cacheDir })).rejects.toMatchObject({ code: "download-failed" });
  });
});
