import { playwright } from "@vitest/browser-playwright";
import { configDefaults, defineConfig, type TestProjectConfiguration, type ViteUserConfig } from "vitest/config";
import { chromiumFlags, chromiumPath } from "./tests/chromium.js";

const inBrowser = "packages/*/src/**/*.browser.test.ts";

const node: TestProjectConfiguration = {
  resolve: { conditions: ["@latentkit/source"] },
  ssr: {
    resolve: {
      conditions: ["@latentkit/source", "module", "node", "import", "default"],
      externalConditions: ["@latentkit/source", "node", "import", "default"],
    },
  },
  test: {
    name: "node",
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: [...configDefaults.exclude, inBrowser],
    globalSetup: ["tests/installed-packages.ts"],
    testTimeout: 60_000,
    pool: "forks",
    // threads that wait for each other's share of a tiny operator spin: two of them take twice the time of one
    env: { OMP_NUM_THREADS: "1" },
    // session workers run from the TypeScript sources too, and bring tsx for themselves
    execArgv: ["--conditions=@latentkit/source"],
  },
};

/** The same sources as a page loads them. Threads need a page that is cross-origin isolated. */
const browser: TestProjectConfiguration = {
  resolve: { conditions: ["@latentkit/source", "module", "browser", "development|production"] },
  // found while the tests run, they would make the page begin anew
  optimizeDeps: { include: ["fast-check"], exclude: ["onnxruntime-web"] },
  server: {
    headers: { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" },
  },
  test: {
    name: "browser",
    include: [inBrowser],
    testTimeout: 60_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { ...(chromiumPath && { executablePath: chromiumPath }), args: [...chromiumFlags] },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
};

const configuration: ViteUserConfig = defineConfig({
  test: { projects: chromiumPath === undefined ? [node] : [node, browser], maxWorkers: 2 },
});
export default configuration;
