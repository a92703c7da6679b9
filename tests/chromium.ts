import { existsSync } from "node:fs";
import { chromium } from "playwright";

const places = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  chromium.executablePath(),
];

/** The Chrome or Chromium of this machine; undefined when there is none. */
export const chromiumPath: string | undefined = places.find((path) => path !== undefined && existsSync(path));

/** How to get one, for the names of tests that are skipped. */
export const chromiumRemedy = "needs Chrome or Chromium: npx playwright install chromium, or set CHROMIUM_PATH";

/** WebGPU in software, so that every machine computes the same. The sandbox does not start as root. */
export const chromiumFlags: readonly string[] = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];
