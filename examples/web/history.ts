import { pngText } from "latentkit";
import type { Settings } from "./settings.js";

/** A picture that was drawn. */
export interface Drawn {
  readonly id: string;
  /** A PNG file that carries how it was made. */
  readonly png: Blob;
  readonly settings: Settings;
}

/** Pictures kept. */
const MOST = 24;
const PLACE = "latentkit-example-history";

/** The pictures of earlier visits, newest first; none where the browser blocks storage. */
export async function readHistory(): Promise<Drawn[]> {
  const cache = await openCache();
  const drawn: Drawn[] = [];
  for (const request of (await cache?.keys()) ?? []) {
    const png = await (await cache?.match(request))?.blob();
    const settings = png && settingsIn(new Uint8Array(await png.arrayBuffer()));
    if (png && settings) drawn.unshift({ id: request.url, png, settings });
  }
  return drawn;
}

/** Keeps a picture, and forgets the oldest when there are many. */
export async function keep({ id, png }: Drawn): Promise<void> {
  const cache = await openCache();
  await cache?.put(id, new Response(png));
  const keys = (await cache?.keys()) ?? [];
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST))) await cache?.delete(old);
}

/** Forgets all pictures. */
export async function forgetAll(): Promise<void> {
  const cache = await openCache();
  for (const request of (await cache?.keys()) ?? []) await cache?.delete(request);
}

/** An address for a new picture. */
export const newId = (): string =>
  new URL(`./drawn/${crypto.getRandomValues(new Uint32Array(4)).join("-")}.png`, location.href).href;

/** The settings in a PNG file of this page. */
function settingsIn(png: Uint8Array): Settings | undefined {
  const { latentkit } = pngText(png);
  return latentkit === undefined ? undefined : JSON.parse(latentkit);
}

/** Nowhere where storage is blocked; a page that was not sent safely has no `caches` at all. */
async function openCache(): Promise<Cache | undefined> {
  try {
    return await caches.open(PLACE);
  } catch {
    return undefined;
  }
}
