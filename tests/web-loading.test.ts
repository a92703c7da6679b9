import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Frame, type Page } from "playwright";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chromiumFlags, chromiumPath, chromiumRemedy } from "./chromium.js";
import { root } from "./repository.js";
import { type Bundle, bundleWithVite, removeBundle } from "./web-bundles.js";
import { serveFolders, type WebServer } from "./web-server.js";

const MiB = 2 ** 20;
/** Two parts and a half, in which every place differs. */
const weights = new Uint8Array(40 * MiB);
for (let i = 0; i < weights.length; i++) weights[i] = (i * 31) ^ (i >> 12);
const whole = createHash("sha256").update(weights).digest("hex");

/** What a page says of a model: the hash of its bytes, or what went wrong. */
const app = `
import { cachedModels, openModel } from "@latentkit/hub/web";

window.loadModel = async (source) => {
  try {
    const { singleFile } = await openModel(source);
    const digest = await crypto.subtle.digest("SHA-256", await singleFile.read());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch (error) {
    return error.code + ": " + error.message;
  }
};
window.keptBytes = async () => (await cachedModels()).map(({ size }) => size);
document.title = "ready";
`;

const load = (place: Page | Frame, source: string): Promise<string> =>
  place.evaluate((url) => Reflect.get(window, "loadModel")(url), source);
const kept = (page: Page): Promise<number[]> => page.evaluate(() => Reflect.get(window, "keptBytes")());

/** What the server of models does. */
const habits = { allowsPages: true, knowsRanges: true, stallsAt: Number.POSITIVE_INFINITY };

function answer(request: IncomingMessage, response: ServerResponse, requests: string[]): void {
  const range = habits.knowsRanges ? /^bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") : null;
  requests.push([request.method, range?.[0]].filter(Boolean).join(" "));
  if (habits.allowsPages) response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-allow-headers", "range");
  const [start, end] = [Number(range?.[1] ?? 0), range?.[2] ? Number(range[2]) + 1 : weights.length];
  response.setHeader("content-length", end - start);
  if (range) response.setHeader("content-range", `bytes ${start}-${end - 1}/${weights.length}`);
  response.writeHead(range ? 206 : 200);
  if (request.method === "HEAD") return void response.end();
  if (habits.stallsAt > end) return void response.end(weights.subarray(start, end));
  response.write(weights.subarray(start, habits.stallsAt));
}

const title = `loading in a page${chromiumPath === undefined ? ` (${chromiumRemedy})` : ""}`;

describe.skipIf(chromiumPath === undefined)(title, () => {
  let browser: Browser;
  let context: BrowserContext;
  let bundle: Bundle;
  let pages: WebServer;
  let models: Server;
  let url = "";
  const requests: string[] = [];
  beforeAll(async () => {
    const folder = await mkdtemp(join(root, "tests/.loading-"));
    await writeFile(join(folder, "app.ts"), app);
    await writeFile(join(folder, "index.html"), '<script type="module" crossorigin src="./app.ts"></script>');
    bundle = await bundleWithVite({ folder, conditions: ["@latentkit/source"] });
    await rm(folder, { recursive: true });
    pages = await serveFolders({ "/": bundle.folder }, { "access-control-allow-origin": "*" });
    models = createServer((request, response) => answer(request, response, requests));
    await new Promise<void>((ready) => models.listen(0, "127.0.0.1", ready));
    url = `http://127.0.0.1:${(models.address() as AddressInfo).port}/model.safetensors`;
    browser = await chromium.launch({ executablePath: chromiumPath!, args: [...chromiumFlags] });
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await pages.close();
    models.closeAllConnections();
    models.close();
    await removeBundle(bundle);
  });
  beforeEach(async () => {
    Object.assign(habits, { allowsPages: true, knowsRanges: true, stallsAt: Number.POSITIVE_INFINITY });
    requests.length = 0;
    context = await browser.newContext();
    return () => context.close();
  });

  async function visit(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(pages.url);
    await page.waitForFunction(() => document.title === "ready");
    return page;
  }

  it("brings a model, and finds it again", async () => {
    expect(await load(await visit(), url)).toBe(whole);
    const again = await visit();
    expect(await load(again, url)).toBe(whole);
    expect(await kept(again)).toEqual([weights.length]);
    expect(requests).toEqual(["HEAD", "GET", "HEAD"]);
  });

  it.each([
    [true, `GET bytes=${16 * MiB}-`],
    [false, "GET"],
  ])("goes on after a page was closed in the middle, with ranges: %s", async (knowsRanges, next) => {
    Object.assign(habits, { knowsRanges, stallsAt: 20 * MiB });
    const closed = await visit();
    // ends with the page
    load(closed, url).catch(() => undefined);
    await expect.poll(() => kept(closed), { timeout: 20_000 }).toEqual([16 * MiB]);
    await closed.close();
    habits.stallsAt = Number.POSITIVE_INFINITY;
    const page = await visit();
    expect(await kept(page)).toEqual([16 * MiB]);
    expect(await load(page, url)).toBe(whole);
    expect(requests.at(-1)).toBe(next);
  });

  it("brings it once for two tabs", async () => {
    const tabs = [await visit(), await visit()];
    expect(await Promise.all(tabs.map((tab) => load(tab, url)))).toEqual([whole, whole]);
    expect(requests.filter((request) => request.startsWith("GET"))).toHaveLength(1);
  });

  it("says that the browser is full, and keeps nothing of the model", async () => {
    const page = await visit();
    const session = await context.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", { origin: pages.url, quotaSize: 10e6 });
    expect(await load(page, url)).toBe(
      "download-failed: the browser's storage is full; free some room in this browser (removeModel removes models), or keep no files: store: null",
    );
    expect(await kept(page)).toEqual([0]);
    await session.send("Storage.overrideQuotaForOrigin", { origin: pages.url });
    expect(await load(page, url)).toBe(whole);
  });

  it("reads from the server where storage is blocked", async () => {
    const page = await visit();
    await page.setContent(`<iframe sandbox="allow-scripts" src="${pages.url}"></iframe>`);
    const frame = page.frames().find((one) => one.parentFrame() !== null)!;
    await frame.waitForFunction(() => document.title === "ready");
    const blocked = () => Promise.resolve().then(() => caches.open("a"));
    await expect(frame.evaluate(blocked)).rejects.toThrow("SecurityError");
    expect(await load(frame, url)).toBe(whole);
    expect(requests).toEqual(["HEAD", `GET bytes=0-${weights.length - 1}`]);
  });

  it("says that a server does not let the page read it", async () => {
    habits.allowsPages = false;
    const page = await visit();
    expect(await load(page, url)).toContain(
      `does not allow ${pages.url} to read it (CORS: Access-Control-Allow-Origin); try again`,
    );
    expect(await kept(page)).toEqual([]);
  });

  it("says that there is no network", async () => {
    const page = await visit();
    await context.setOffline(true);
    expect(await load(page, url)).toMatch(
      /^download-failed: no answer from 127.0.0.1:\d+: the network or the server is away/,
    );
    expect(await kept(page)).toEqual([]);
  });
});
