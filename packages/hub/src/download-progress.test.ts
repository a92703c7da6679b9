import { expect, it } from "vitest";
import { progressMeter } from "./download-progress.js";
import type { DownloadProgress } from "./hub-options.js";

it("reports ten times a second, and counts what was here before", () => {
  let now = 5_000;
  const seen: DownloadProgress[] = [];
  const files = new Map([
    ["a", { size: 1000, loaded: 1000 }],
    ["b", { size: 3000, loaded: 500 }],
  ]);
  const meter = progressMeter(
    files,
    (progress) => seen.push(progress),
    () => now,
  );
  meter.update("b", 600);
  now += 50;
  meter.update("b", 700);
  now += 950;
  meter.update("b", 1000);
  meter.update("b", 1500);
  meter.flush();
  expect(seen).toEqual([
    { loaded: 1600, total: 4000, file: "b" },
    // 500 bytes came in a second, and 2000 are to come
    { loaded: 2000, total: 4000, file: "b", secondsLeft: 4 },
    { loaded: 2500, total: 4000, file: "b", secondsLeft: 1.5 },
  ]);
});
