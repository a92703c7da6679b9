import { readFile } from "node:fs/promises";
import { pngText, RgbaImage } from "latentkit";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumFlags, chromiumPath, chromiumRemedy } from "./chromium.js";
import { root } from "./repository.js";
import { emptyFolder, removeBundle } from "./web-bundles.js";

/** Milliseconds for one test. */
const limit = 180_000;
const configFile = `${root}examples/web/vite.config.ts`;
const title = `the page of examples/web${chromiumPath === undefined ? ` (${chromiumRemedy})` : ""}`;

describe.skipIf(chromiumPath === undefined)(title, () => {
  let browser: Browser;
  let server: PreviewServer;
  let folder = "";
  let url = "";
  beforeAll(async () => {
    folder = await emptyFolder();
    await build({ configFile, logLevel: "error", build: { outDir: folder } });
    server = await preview({ configFile, build: { outDir: folder }, preview: { port: 0 }, logLevel: "error" });
    url = `${server.resolvedUrls?.local[0]}?device=wasm`;
    browser = await chromium.launch({ executablePath: chromiumPath!, args: [...chromiumFlags] });
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
    await removeBundle({ folder });
  });

  /** Opens the page, until its model is open. */
  async function visit(context: BrowserContext, address = url): Promise<Page> {
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForFunction(() => document.body.dataset.device !== undefined, null, { timeout: limit / 3 });
    await page.locator("#steps").fill("4");
    await page.locator("#seed").fill("7");
    return page;
  }

  async function draw(page: Page, prompt: string): Promise<string> {
    const drawn = await page.locator("#strip li").count();
    await page.locator("#prompt").fill(prompt);
    await page.locator("#prompt").press("Enter");
    await page
      .locator("#strip li")
      .nth(drawn)
      .waitFor({ timeout: limit / 3 });
    await page.locator("#draw").waitFor();
    return page.locator("#caption").innerText();
  }

  it(
    "draws, shows what was drawn, and gives it with its parameters",
    async () => {
      const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
      const page = await visit(context);
      expect(await page.locator("#device").innerText()).toBe("CPU · WebAssembly");
      expect(await page.locator("#reason").innerText()).toMatch(/^Runs on wasm, (one|\d+) threads?\.$/);
      await page.locator("#negative").fill("green");
      await page.locator("#size").selectOption("96x64");
      expect(await draw(page, "a red apple")).toBe("a red apple · seed 7 · 96×64");
      expect(await page.locator("#stages dt").allInnerTexts()).toEqual([
        "Prompt and first step",
        "3 more steps",
        "Decoding",
        "In all",
      ]);
      const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
      expect(download.suggestedFilename()).toBe("a-red-apple-7.png");
      expect(pngText(await readFile(await download.path())).parameters).toBe(
        "a red apple\nNegative prompt: green\nSteps: 4, Sampler: DPM++ 2M Karras, CFG scale: 5, Seed: 7, Size: 96x64, Model: tiny-emoji",
      );
      await draw(page, "panda");
      await page.getByRole("button", { name: "a red apple" }).click();
      await page.locator("#caption", { hasText: "a red apple · seed 7 · 96×64" }).waitFor();
      expect(await page.locator("#prompt").inputValue()).toBe("a red apple");
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      await context.close();
    },
    limit,
  );

  it(
    "opens again without the network, with what was drawn before",
    async () => {
      const context = await browser.newContext();
      const page = await visit(context);
      const caption = await draw(page, "panda");
      await page.evaluate(async () => void (await navigator.serviceWorker.ready));
      // what the page loads is kept from the second visit on
      await page.close();
      const second = await visit(context);
      await draw(second, "panda");
      await second.close();
      await context.setOffline(true);
      const third = await visit(context);
      expect(await third.locator("#strip li").count()).toBe(2);
      expect(await draw(third, "panda")).toBe(caption);
      await context.close();
    },
    limit,
  );

  it(
    "ends a picture when it is told to, and draws the next one",
    async () => {
      const context = await browser.newContext();
      const page = await visit(context);
      await page.locator("#steps").fill("60");
      await page.locator("#prompt").press("Enter");
      await page.getByText(/^Step \d+ of 60/).waitFor({ timeout: limit / 3 });
      await page.keyboard.press("Escape");
      await page
        .getByText("Cancelled.")
        .first()
        .waitFor({ timeout: limit / 3 });
      expect(await page.locator("#strip li").count()).toBe(0);
      await page.locator("#steps").fill("2");
      expect(await draw(page, "panda")).toBe("panda · seed 7 · 64×64");
      await context.close();
    },
    limit,
  );

  it(
    "begins from a picture, and paints what was brushed over by keys",
    async () => {
      const context = await browser.newContext();
      const page = await visit(context);
      const red = new RgbaImage({ width: 80, height: 60, data: new Uint8Array(80 * 60 * 4).fill(200) });
      await page
        .locator("#start-file")
        .setInputFiles({ name: "grey.png", mimeType: "image/png", buffer: Buffer.from(await red.toPng()) });
      await page.locator("#easel").focus();
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Space");
      await page.getByText("Only what is brushed over is painted anew.").waitFor();
      await draw(page, "a red apple");
      const corner = await page.evaluate(() => {
        const context = document.querySelector<HTMLCanvasElement>("#picture")?.getContext("2d");
        return [...(context?.getImageData(0, 0, 1, 1).data ?? [])];
      });
      expect(corner).toEqual(
        [200 + 55 * (55 / 255), 200 + 55 * (55 / 255), 200 + 55 * (55 / 255), 255].map(Math.round),
      );
      await context.close();
    },
    limit,
  );

  it(
    "draws without a GPU, storage or threads, and says what it lacks",
    async () => {
      const plain = await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] });
      const context = await plain.newContext({ serviceWorkers: "block" });
      await context.addInitScript(() => {
        const get = () => {
          throw new DOMException("storage is blocked", "SecurityError");
        };
        Object.defineProperty(globalThis, "caches", { get });
      });
      const address = url.replace("?device=wasm", "");
      // as a host sends it that knows nothing of isolated pages
      await context.route(address, async (route) => {
        const response = await route.fetch();
        const { "cross-origin-embedder-policy": _, ...headers } = response.headers();
        await route.fulfill({ response, headers });
      });
      const page = await visit(context, address);
      const reason = await page.locator("#reason").innerText();
      expect(reason).toContain("Runs on wasm, one thread (for more, send the page with Cross-Origin-Opener-Policy");
      expect(reason).toContain("the browser offers no GPU");
      expect(await draw(page, "panda")).toBe("panda · seed 7 · 64×64");
      await page.goto(`${address}?device=webgpu`);
      const problem = page.getByRole("alert");
      await problem.waitFor({ timeout: limit / 3 });
      expect(await problem.innerText()).toMatch(/^device "webgpu" .*the browser offers no GPU/);
      await plain.close();
    },
    limit,
  );

  it(
    "says what went wrong",
    async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${url}&model=./no-such-model/`);
      const problem = page.getByRole("alert");
      await problem.waitFor({ timeout: limit / 3 });
      expect(await problem.innerText()).toContain(`${new URL("no-such-model", url)}`);
      await context.close();
    },
    limit,
  );
});
