import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type BlobStore, cachedModels, cacheStore, openModel, opfsStore, pickedModel, removeModel } from "./web.js";

afterEach(() => {
  vi.restoreAllMocks();
});

const MiB = 2 ** 20;
const weights = new Uint8Array(20 * MiB);
for (let i = 0; i < weights.length; i++) weights[i] = (i * 31) ^ (i >> 12);

/** A server of one file, which understands ranges. */
function serve(url: string, bytes: Uint8Array<ArrayBuffer>): { readonly requests: string[] } {
  const requests: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, { method = "GET", headers } = {}) => {
    if (String(input) !== url) return new Response(null, { status: 404 });
    const range = new Headers(headers).get("range");
    requests.push([method, range].filter(Boolean).join(" "));
    const start = Number(/bytes=(\d+)/.exec(range ?? "")?.[1] ?? 0);
    const length = { "content-length": String(bytes.length - start) };
    if (method === "HEAD") return new Response(null, { headers: length });
    return new Response(bytes.subarray(start), { status: range === null ? 200 : 206, headers: length });
  });
  return { requests };
}

describe.each([
  ["the Cache API", (name: string) => cacheStore(name)],
  ["OPFS", (name: string) => opfsStore(name)],
] as const)("%s", (_, open) => {
  async function empty(store: BlobStore): Promise<BlobStore> {
    for (const key of await store.keys()) await store.delete(key);
    return store;
  }

  it("keeps blobs under their addresses", async () => {
    const store = await empty(await open("test-keys"));
    const names = fc.uniqueArray(fc.webUrl({ withQueryParameters: true }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(names, async (urls) => {
        const keys = urls.map((url) => new URL(url).href);
        for (const key of keys) await store.put(key, new Blob([key]));
        expect((await store.keys()).toSorted()).toEqual([...new Set(keys)].toSorted());
        for (const key of keys) expect(await (await store.get(key))?.text()).toBe(key);
        await empty(store);
      }),
      { numRuns: 20 },
    );
  });

  it("knows long addresses, replaces blobs and forgets them", async () => {
    const store = await empty(await open("test-long"));
    const key = `https://example.com/${"a/ü".repeat(150)}?part=1`;
    const href = new URL(key).href;
    expect(await store.get(href)).toBeUndefined();
    await store.delete(href);
    for (const text of ["a longer text", "short"]) {
      await store.put(href, new Blob([text]));
      expect(await (await store.get(href))?.text()).toBe(text);
    }
    expect(await store.keys()).toEqual([href]);
    await store.delete(href);
    expect([await store.get(href), await store.keys()]).toEqual([undefined, []]);
  });

  it("brings a model once", async () => {
    const store = await empty(await open("test-model"));
    const url = "https://example.com/models/anime.safetensors";
    const server = serve(url, weights);
    for (const _ of [1, 2]) {
      const { singleFile } = await openModel(url, { store });
      expect(await singleFile?.read(16 * MiB - 3, 6)).toEqual(weights.slice(16 * MiB - 3, 16 * MiB + 3));
    }
    expect(server.requests).toEqual(["HEAD", "GET", "HEAD"]);
    expect(await cachedModels(store)).toMatchObject([{ location: "https://example.com/models", size: weights.length }]);
    await removeModel("https://example.com/models", store);
    expect(await store.keys()).toEqual([]);
  });
});

it("keeps models in the Cache API, or nowhere where that is blocked", async () => {
  const url = "https://example.com/models/small.safetensors";
  const server = serve(url, Uint8Array.of(1, 2, 3, 4));
  vi.spyOn(caches, "open").mockRejectedValue(new DOMException("blocked", "SecurityError"));
  const { singleFile } = await openModel(url);
  expect(await singleFile?.read(1, 3)).toEqual(Uint8Array.of(2, 3, 4));
  expect(server.requests).toEqual(["HEAD", "GET bytes=1-3"]);
});

it("reads folders and files that were picked by handle", async () => {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true });
  const folder = await root.getDirectoryHandle("unet", { create: true });
  const handle = await folder.getFileHandle("model.safetensors", { create: true });
  const writable = await handle.createWritable();
  await writable.write(Uint8Array.of(1, 2, 3));
  await writable.close();

  const model = await openModel(root);
  expect(model.location).toBe("picked");
  expect(await (await model.find("unet/model.safetensors"))?.read(1)).toEqual(Uint8Array.of(2, 3));
  expect(await model.at("unet").find("config.json")).toBeUndefined();
  expect(await model.find("unet")).toBeUndefined();
  expect((await pickedModel(handle)).singleFile?.size).toBe(3);
});
