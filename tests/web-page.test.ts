import { StableDiffusionPipeline } from "latentkit";
import { type Browser, type BrowserContext, chromium } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumFlags, chromiumPath, chromiumRemedy } from "./chromium.js";
import { fixtures } from "./golden.js";
import { root } from "./repository.js";
import {
  type Bundle,
  bundleWithEsbuild,
  bundleWithVite,
  bundleWithWebpack,
  nodeModulesIn,
  removeBundle,
  sourceApp,
} from "./web-bundles.js";
import { serveFolders, type WebServer } from "./web-server.js";

/** Nothing from elsewhere, and no code made from text. */
const strict = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:";

/** Milliseconds for one test. */
const limit = 400_000;

const isOfModel = ({ pathname }: URL): boolean => pathname.startsWith("/models/");

/** What the page of `web-app` puts into its title. */
interface Drawn {
  readonly latents: readonly number[];
  readonly image: readonly number[];
  readonly png: string;
}

/** The same picture by Node, on the CPU. */
async function drawnByNode(model: string | undefined, size = { width: 64, height: 48 }): Promise<Drawn> {
  const pipe = await StableDiffusionPipeline.fromPretrained(model, { device: "cpu" });
  const run = { prompt: "a red apple", seed: 3, ...size, numInferenceSteps: 2 };
  const { images, latents } = await pipe.generate(run);
  await pipe.dispose();
  return { latents: [...latents.data], image: [...(images[0]?.data ?? [])], png: "image/png" };
}

function worst(a: readonly number[], b: readonly number[]): number {
  return a.length === b.length ? Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) : Number.NaN;
}

const title = chromiumPath === undefined ? `a page (${chromiumRemedy})` : "a page";

describe.skipIf(chromiumPath === undefined)(title, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath!, args: [...chromiumFlags] });
  });
  afterAll(() => browser.close());

  /** What a page ends with, and what it says in its console but for requests that found nothing. */
  async function visit(context: BrowserContext, url: string): Promise<{ drawn: Drawn; said: string[] }> {
    const page = await context.newPage();
    const said: string[] = [];
    page.on("console", (message) => {
      if (!message.text().startsWith("Failed to load resource")) said.push(message.text());
    });
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    failed.catch(() => undefined);
    try {
      await page.goto(url);
      const done = () => document.title.startsWith("{") && document.title;
      const title = await Promise.race([page.waitForFunction(done, null, { timeout: limit }), failed]);
      return { drawn: JSON.parse(String(await title.jsonValue())), said };
    } catch (error) {
      throw new Error(`${url}: ${said.join("\n")}`, { cause: error });
    } finally {
      await page.close();
    }
  }

  describe.each([
    ["Vite", bundleWithVite],
    ["webpack", bundleWithWebpack],
    ["esbuild", bundleWithEsbuild],
  ])("bundled by %s, under a strict policy", (_, makeBundle) => {
    let bundle: Bundle;
    let server: WebServer;
    beforeAll(async () => {
      bundle = await makeBundle(sourceApp);
      const headers = { "content-security-policy": strict };
      server = await serveFolders({ "/models/": `${fixtures}pipelines/`, "/": bundle.folder }, headers);
    }, 120_000);
    afterAll(async () => {
      await server.close();
      await removeBundle(bundle);
    });

    it("contains nothing of Node's", () => expect(nodeModulesIn(bundle)).toEqual([]));

    it(
      "draws Node's picture on wasm, the second time without the model's server",
      async () => {
        const expected = await drawnByNode(`${fixtures}pipelines/tiny-sd`);
        const context = await browser.newContext();
        const address = `${server.url}/?model=/models/tiny-sd/&device=wasm`;
        for (const isAway of [false, true]) {
          if (isAway) await context.route(isOfModel, (route) => route.abort());
          const { drawn, said } = await visit(context, address);
          expect(drawn.png).toBe("image/png");
          expect(worst(drawn.latents, expected.latents)).toBeLessThan(1e-3);
          expect(worst(drawn.image, expected.image)).toBeLessThanOrEqual(2);
          expect(said).toEqual([]);
        }
        await context.close();
      },
      limit,
    );

    it(
      "draws with the embedded model",
      async () => {
        const context = await browser.newContext();
        const { drawn } = await visit(context, server.url);
        const expected = await drawnByNode(undefined);
        expect(worst(drawn.latents, expected.latents)).toBeLessThan(1e-3);
        expect(worst(drawn.image, expected.image)).toBeLessThanOrEqual(2);
        await context.close();
      },
      limit,
    );

    // a graphics card in software takes a minute
    it.runIf(makeBundle === bundleWithVite)(
      "draws Node's picture on webgpu",
      async () => {
        const context = await browser.newContext();
        const { drawn, said } = await visit(
          context,
          `${server.url}/?model=/models/tiny-sd/&device=webgpu&width=24&height=16`,
        );
        const expected = await drawnByNode(`${fixtures}pipelines/tiny-sd`, { width: 24, height: 16 });
        expect(worst(drawn.latents, expected.latents)).toBeLessThan(1e-3);
        expect(worst(drawn.image, expected.image)).toBeLessThanOrEqual(2);
        expect(said).toEqual([]);
        await context.close();
      },
      limit,
    );
  });

  it(
    "loads the library from a server of modules, and the .wasm file from another",
    async () => {
      const bundle = await bundleWithEsbuild(sourceApp);
      const server = await serveFolders({ "/models/": `${fixtures}pipelines/` });
      const context = await browser.newContext();
      const asked: string[] = [];
      const serve = (origin: string, folder: string) =>
        context.route(`${origin}/**`, async (route) => {
          const path = new URL(route.request().url()).href.slice(origin.length);
          asked.push(`${origin}${path}`);
          await route.fulfill({ path: `${folder}${path}`, headers: { "access-control-allow-origin": "*" } });
        });
      await serve("https://esm.sh", bundle.folder);
      await serve(
        "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist",
        `${root}node_modules/onnxruntime-web/dist`,
      );
      await context.route(`${server.url}/?**`, (route) =>
        route.fulfill({
          contentType: "text/html",
          body: '<script type="module" src="https://esm.sh/assets/app.js"></script>',
        }),
      );
      const { drawn } = await visit(context, `${server.url}/?model=/models/tiny-sd/`);
      expect(drawn.latents).toHaveLength(4 * 6 * 8);
      expect(asked).toContain("https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/ort-wasm-simd-threaded.wasm");
      expect(asked.filter((url) => url.startsWith("https://esm.sh") && url.endsWith(".wasm"))).toEqual([]);
      await context.close();
      await server.close();
      await removeBundle(bundle);
    },
    limit,
  );
});
