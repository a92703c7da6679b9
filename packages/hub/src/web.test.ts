import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { ModelFile } from "@latentkit/core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { folderFiles, type HubServer, startHub } from "../../../tests/hub-server.js";
import type { DownloadProgress, HubWarning } from "./index.js";
import { readJson } from "./index.js";
import { type BlobStore, cachedModels, openModel, pickedModel, removeModel, type WebHubOptions } from "./web.js";

const commit = "1".repeat(40);
const tiny = folderFiles("pipelines/tiny-sd");
const unet = "unet/diffusion_pytorch_model.safetensors";
const MiB = 2 ** 20;
/** Two parts and a half, in which every place differs. */
const large = new Uint8Array(40 * MiB + 5);
for (let i = 0; i < large.length; i++) large[i] = (i * 31) ^ (i >> 12);

/** What a browser's cache does, in memory. */
function memoryStore(): BlobStore & { readonly blobs: Map<string, Blob> } {
  const blobs = new Map<string, Blob>();
  return {
    blobs,
    get: async (key) => blobs.get(key),
    put: async (key, blob) => void blobs.set(key, blob),
    delete: async (key) => void blobs.delete(key),
    keys: async () => [...blobs.keys()],
  };
}

/** Compared by hash: a difference in 40 MB is of no use in a message. */
const hash = (bytes: Uint8Array | undefined): string =>
  createHash("sha256")
    .update(bytes ?? "")
    .digest("hex");

async function expectFile(file: ModelFile | undefined, bytes: Uint8Array): Promise<void> {
  expect(file?.size).toBe(bytes.length);
  expect(hash(await file?.read())).toBe(hash(bytes));
}

let hub: HubServer;
beforeAll(async () => {
  hub = await startHub({
    "acme/tiny-sd": { files: { ...tiny, "unet/model.ckpt": new Uint8Array(9) }, commit, refs: ["v2"] },
    "acme/large": { files: { "model.safetensors": large, "config.json": tiny["unet/config.json"]! }, commit },
    "acme/single": { files: { "anime.safetensors": large }, commit },
    "acme/gated": { files: tiny, commit, needs: { token: "hf_good", kind: "gated" } },
  });
});
afterAll(() => hub.close());
afterEach(() => {
  hub.reset();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const fromHub = (source: string, options: WebHubOptions = {}) =>
  openModel(source, { endpoint: hub.url, store: memoryStore(), ...options });

describe("a model of the Hub", () => {
  it("is fetched once, and then found in the store without its server", async () => {
    const store = memoryStore();
    const reports: DownloadProgress[] = [];
    const load = async (options: WebHubOptions) => {
      const model = await fromHub("acme/tiny-sd", { store, ...options });
      expect(await readJson(model.at("unet"), "config.json")).toMatchObject({ _class_name: "UNet2DConditionModel" });
      expect(await model.find("unet/model.onnx")).toBeUndefined();
      await expectFile(await model.find(unet), tiny[unet]!);
      await expectFile(
        await model.at("vae").find("diffusion_pytorch_model.safetensors"),
        tiny["vae/diffusion_pytorch_model.safetensors"]!,
      );
    };
    await load({ onProgress: (progress) => reports.push(progress) });
    expect(hub.downloaded()).toEqual(
      ["model_index.json", unet, "unet/config.json", "vae/diffusion_pytorch_model.safetensors"].sort(),
    );
    const weights = Object.keys(tiny).filter((path) => path.endsWith(".safetensors"));
    const total = weights.reduce((sum, path) => sum + tiny[path]!.length, 0);
    expect(new Set(reports.map((report) => report.total))).toEqual(new Set([total]));
    expect(reports.at(-1)?.loaded).toBe(tiny[unet]!.length + tiny["vae/diffusion_pytorch_model.safetensors"]!.length);

    hub.requests.length = 0;
    await load({});
    expect(hub.downloaded()).toEqual([]);
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    const warnings: HubWarning[] = [];
    await load({ onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toMatchObject([{ code: "cached-model", message: expect.stringContaining("using acme/tiny-sd") }]);
  });

  it("continues where it was cut, part by part", async () => {
    hub.faults.cuts["model.safetensors"] = [20 * MiB, 17 * MiB];
    const model = await fromHub("acme/large");
    await expectFile(await model.find("model.safetensors"), large);
    const ranges = hub.requests.filter(({ host }) => host === "store").map(({ range }) => range);
    expect(ranges).toEqual([undefined, `bytes=${16 * MiB}-`, `bytes=${32 * MiB}-`]);
  });

  it("is brought whole by a server that knows no ranges", async () => {
    Object.assign(hub.faults, { ignoresRanges: true, cuts: { "model.safetensors": [20 * MiB] } });
    await expectFile(await (await fromHub("acme/large")).find("model.safetensors"), large);
  });

  it("ends at an abort, keeps what arrived, and goes on another time", async () => {
    const store = memoryStore();
    const controller = new AbortController();
    hub.faults.stalls["model.safetensors"] = 20 * MiB;
    const onProgress = ({ loaded }: DownloadProgress) => {
      if (loaded > 17 * MiB) controller.abort(new Error("enough"));
    };
    const model = await fromHub("acme/large", { store, onProgress, signal: controller.signal });
    const file = await model.find("model.safetensors");
    await expect(file!.read(0, 8)).rejects.toThrow("enough");
    expect(await cachedModels(store)).toMatchObject([{ size: 16 * MiB }]);

    hub.reset();
    await expectFile(await (await fromHub("acme/large", { store })).find("model.safetensors"), large);
    expect(hub.requests.at(-1)?.range).toBe(`bytes=${16 * MiB}-`);
  });

  it("is read by range where nothing may be kept", async () => {
    const model = await fromHub("acme/single", { store: null });
    expect(model.singleFile?.size).toBe(large.length);
    expect(await model.singleFile?.read(17 * MiB, 5)).toEqual(large.subarray(17 * MiB, 17 * MiB + 5));
    expect(hub.requests.at(-1)).toMatchObject({ range: `bytes=${17 * MiB}-${17 * MiB + 4}` });
    await expect(model.singleFile?.read(large.length, 1)).rejects.toThrow(RangeError);
  });

  it("is kept whole by the browser where there are neither store nor ranges", async () => {
    hub.faults.ignoresRanges = true;
    const model = await fromHub("acme/single", { store: null });
    expect(await model.singleFile?.read(3, 4)).toEqual(large.subarray(3, 7));
    expect(await model.singleFile?.read(17 * MiB, 5)).toEqual(large.subarray(17 * MiB, 17 * MiB + 5));
    expect(hub.requests.filter(({ host }) => host === "store")).toHaveLength(1);
  });

  it("is told of and removed", async () => {
    const store = memoryStore();
    const { singleFile } = await fromHub("acme/single", { store });
    await singleFile?.read(0, 1);
    const url = `${hub.url}/acme/single/resolve/${commit}/anime.safetensors`;
    const files = [{ url, size: large.length, loaded: large.length }];
    expect(await cachedModels(store)).toEqual([{ location: `${hub.url}/acme/single`, size: large.length, files }]);
    await expect(removeModel("acme/other", store)).rejects.toMatchObject({ code: "file-not-found" });
    await removeModel(`${hub.url}/acme/single`, store);
    expect(await cachedModels(store)).toEqual([]);
    expect([...store.blobs.keys()].filter((key) => !key.endsWith("=listing"))).toEqual([]);
  });

  it("asks for room before it downloads", async () => {
    const estimate = async () => ({ quota: 30e6, usage: 10e6 });
    vi.stubGlobal("navigator", { storage: { estimate } });
    await expect(fromHub("acme/large")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("the download needs 41.9 MB, the browser gives 20.0 MB; free some room"),
    });
    expect(hub.downloaded()).toEqual([]);
  });

  it("says that the browser is full", async () => {
    const store = memoryStore();
    store.put = () => Promise.reject(new DOMException("full", "QuotaExceededError"));
    await expect(fromHub("acme/tiny-sd", { store })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("storage is full"),
    });
  });

  it("may be closed or absent", async () => {
    await expect(fromHub("acme/no-such-model")).rejects.toMatchObject({
      message: expect.stringContaining("does not exist"),
    });
    await expect(fromHub("acme/tiny-sd", { revision: "v3" })).rejects.toMatchObject({ code: "file-not-found" });
    await expect(fromHub("acme/gated")).rejects.toMatchObject({ message: expect.stringContaining("is gated") });
    const model = await fromHub("acme/gated", { token: "hf_good" });
    await expectFile(await model.find(unet), tiny[unet]!);
    await expect(fromHub(`${hub.url}/acme/tiny-sd/resolve/main/unet/model.ckpt`)).rejects.toMatchObject({
      code: "unsupported-model",
    });
  });

  it("is found by its address, also one file of it", async () => {
    const model = await fromHub(`${hub.url}/acme/single/blob/main/anime.safetensors`);
    await expectFile(model.singleFile, large);
    expect((await fromHub(`${hub.url}/acme/tiny-sd/tree/v2`)).location).toBe(`${hub.url}/acme/tiny-sd`);
  });
});

describe("a folder on a server", () => {
  let server: Server;
  let base = "";
  let files: Record<string, Uint8Array> = {};
  /** What the server does wrong. */
  const habits = { refusesHead: false, sendsPages: false, hidesSize: false, compresses: false, sendsMore: false };
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? "", base).pathname.slice(1));
      const bytes = files[path];
      if (!bytes && habits.sendsPages)
        return void response.setHeader("content-type", "text/html").end("<!doctype html>");
      if (!bytes) return void response.writeHead(404).end();
      if (request.method === "HEAD" && habits.refusesHead) return void response.writeHead(405).end();
      const [, from = "0", to = `${bytes.length - 1}`] = /^bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
      const body = bytes.subarray(Number(from), Number(to === "" ? bytes.length - 1 : to) + 1);
      response.setHeader("etag", `"${hash(bytes)}"`);
      if (!habits.hidesSize) response.setHeader("content-length", body.length);
      const isPart = request.headers.range !== undefined;
      if (habits.compresses && !isPart) {
        const less = gzipSync(body);
        response.setHeader("content-encoding", "gzip").setHeader("content-length", less.length);
        return void response.end(request.method === "HEAD" ? undefined : less);
      }
      if (habits.sendsMore && request.method === "HEAD") response.setHeader("content-length", body.length - 1);
      if (isPart && !habits.hidesSize) response.setHeader("content-range", `bytes ${from}-${to}/${bytes.length}`);
      response.writeHead(isPart ? 206 : 200);
      response.end(request.method === "HEAD" ? undefined : body);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());
  afterEach(() => {
    for (const name of ["refusesHead", "sendsPages", "hidesSize", "compresses", "sendsMore"] as const)
      habits[name] = false;
  });

  it.each([{}, { refusesHead: true }, { sendsPages: true }, { compresses: true }])(
    "is opened whatever its server does: %j",
    async (habit) => {
      Object.assign(habits, habit);
      files = Object.fromEntries(Object.entries(tiny).map(([path, bytes]) => [`models/tiny sd/${path}`, bytes]));
      const model = await openModel(`${base}/models/tiny sd/?key=1`, { store: memoryStore() });
      expect(model.location).toBe(`${base}/models/tiny%20sd`);
      expect(await readJson(model, "model_index.json")).toMatchObject({ _class_name: "StableDiffusionPipeline" });
      expect(await model.find("unet/model.onnx")).toBeUndefined();
      expect(await model.find("../secret.json")).toBeUndefined();
      await expectFile(await model.at("unet").find("diffusion_pytorch_model.safetensors"), tiny[unet]!);
    },
  );

  it("of another version is fetched anew", async () => {
    const store = memoryStore();
    files = { "a.safetensors": Uint8Array.of(1, 2, 3) };
    await expectFile((await openModel(`${base}/a.safetensors`, { store })).singleFile, files["a.safetensors"]!);
    files = { "a.safetensors": Uint8Array.of(4, 5, 6) };
    await expectFile((await openModel(`${base}/a.safetensors`, { store })).singleFile, files["a.safetensors"]!);
  });

  it("is there without its server, once it was opened", async () => {
    const store = memoryStore();
    const warnings: HubWarning[] = [];
    const open = () => openModel(`${base}/tiny/`, { store, onWarning: (warning) => warnings.push(warning) });
    files = Object.fromEntries(Object.entries(tiny).map(([path, bytes]) => [`tiny/${path}`, bytes]));
    for (const isAway of [false, true]) {
      if (isAway) vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
      const model = await open();
      expect(await readJson(model, "model_index.json")).toMatchObject({ _class_name: "StableDiffusionPipeline" });
      await expectFile(await model.find(unet), tiny[unet]!);
      expect(await model.find("unet/model.onnx")).toBeUndefined();
    }
    expect(warnings.map(({ message }) => message.replace(/^.*; /, ""))).toEqual([
      "using model_index.json as downloaded before",
      `using ${unet} as downloaded before`,
    ]);
  });

  it("must tell the size of its files", async () => {
    files = { "a.safetensors": Uint8Array.of(1, 2, 3) };
    habits.hidesSize = true;
    await expect(openModel(`${base}/a.safetensors`, { store: null })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("the server does not tell the size"),
    });
  });

  it("that is longer than its server said is refused, and not kept", async () => {
    const store = memoryStore();
    files = { "a.safetensors": Uint8Array.of(1, 2, 3) };
    habits.sendsMore = true;
    const { singleFile } = await openModel(`${base}/a.safetensors`, { store });
    await expect(singleFile?.read()).rejects.toThrow("announced 2 bytes and sends more");
    expect([...store.blobs.keys()]).toEqual([]);
  });

  it("may not be there", async () => {
    await expect(openModel(`${base}/b.safetensors`, { store: null })).rejects.toMatchObject({ code: "file-not-found" });
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    vi.stubGlobal("location", new URL("https://my.page/index.html"));
    await expect(openModel(`${base}/a.safetensors`, { store: null })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/^no answer from 127.*does not allow https:\/\/my.page to read it \(CORS/),
    });
  });

  it.each(["", "ftp://example.com/a", "not//an/id", 5])("is no source: %j", async (source) => {
    await expect(openModel(source as string, { store: null })).rejects.toThrow(/^source: expected the id of a model/);
  });
});

describe("picked files", () => {
  const file = (bytes: Uint8Array, name: string, path = "") =>
    Object.defineProperty(new File([new Uint8Array(bytes)], name), "webkitRelativePath", { value: path });

  it("are a folder with its name cut off", async () => {
    const list = Object.entries(tiny).map(([path, bytes]) => file(bytes, path.split("/").at(-1)!, `tiny-sd/${path}`));
    for (const model of [await pickedModel(list), await openModel(list)]) {
      expect(model.location).toBe("tiny-sd");
      expect(await readJson(model.at("vae"), "config.json")).toMatchObject({ _class_name: "AutoencoderKL" });
      await expectFile(await model.find(unet), tiny[unet]!);
    }
  });

  it("may be one file", async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    for (const picked of [file(bytes, "a.safetensors"), [file(bytes, "a.safetensors")]]) {
      const { singleFile } = await pickedModel(picked);
      expect([singleFile?.name, await singleFile?.read(1, 2)]).toEqual(["a.safetensors", Uint8Array.of(2, 3)]);
    }
    await expect(pickedModel(file(bytes, "a.ckpt"))).rejects.toMatchObject({ code: "unsupported-model" });
    await expect(pickedModel([])).rejects.toThrow(TypeError);
  });
});
