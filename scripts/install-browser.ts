// Tests of pages run in a Chrome or Chromium. Where there is none, one is installed.
import { spawnSync } from "node:child_process";
import { chromiumPath, chromiumRemedy } from "../tests/chromium.js";

if (chromiumPath === undefined) {
  console.log("No Chrome or Chromium was found; installing one for the tests of pages.");
  const { status } = spawnSync("npx", ["playwright", "install", "chromium"], { stdio: "inherit", shell: true });
  if (status !== 0) console.log(`It could not be installed: the tests of pages are skipped (${chromiumRemedy}).`);
}
