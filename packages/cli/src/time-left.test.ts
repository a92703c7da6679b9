import { expect, it } from "vitest";
import { createTimeLeft } from "./time-left.js";

it("goes by the pace since the first step", () => {
  let now = 60_000;
  const timeLeft = createTimeLeft(() => now);
  expect(timeLeft(1, 100)).toBe("");
  now += 3_000;
  expect(timeLeft(3, 100)).toBe("2 min 26 s left"); // 97 steps of 1.5 s are 145.5 s
  now += 144_000;
  expect(timeLeft(99, 100)).toBe("2 s left");
  expect(timeLeft(100, 100)).toBe("0 s left");
});
