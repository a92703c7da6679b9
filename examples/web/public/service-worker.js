// Keeps the page itself, so that it opens without the network. latentkit keeps the model.
const pages = caches.open("latentkit-example");

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("fetch", (event) => {
  const { method, headers, url } = event.request;
  const { origin, pathname } = new URL(url);
  const isModel = pathname.endsWith(".safetensors");
  if (method !== "GET" || origin !== location.origin || isModel || headers.has("range")) return;
  // built files have a hash of their content in their names
  const isLasting = pathname.includes("/assets/");
  event.respondWith(isLasting ? firstKept(event.request) : firstFetched(event.request));
});

async function firstKept(request) {
  return (await (await pages).match(request)) ?? fetched(request);
}

async function firstFetched(request) {
  try {
    return await fetched(request);
  } catch (error) {
    const kept = await (await pages).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

async function fetched(request) {
  const response = await fetch(request);
  if (response.status === 200) await (await pages).put(request, response.clone());
  return response;
}
