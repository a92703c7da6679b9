import type { BlobStore } from "./web-store.js";

/**
 * Keeps blobs in the Cache API. Keys are web addresses.
 *
 * @param name of the cache; pages of one origin share it.
 * @throws DOMException where the browser blocks storage, and outside of secure pages.
 * @example
 * ```ts
 * const store = await cacheStore("my-models");
 * await store.keys(); // []
 * ```
 */
export async function cacheStore(name = "latentkit"): Promise<BlobStore> {
  if (typeof caches === "undefined") throw new DOMException("the Cache API needs https or localhost", "SecurityError");
  const cache = await caches.open(name);
  return {
    get: async (key) => (await cache.match(key))?.blob(),
    put: (key, blob) => cache.put(key, new Response(blob)),
    delete: async (key) => void (await cache.delete(key)),
    keys: async () => (await cache.keys()).map(({ url }) => url),
  };
}
