import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { inParallel } from "./in-parallel.js";

it("does a few things at a time, and all of them", async () => {
  const now = { running: 0, most: 0 };
  const done: number[] = [];
  await inParallel([5, 1, 4, 2, 3, 0], 3, undefined, async (item) => {
    now.most = Math.max(now.most, ++now.running);
    await sleep(item);
    now.running--;
    done.push(item);
  });
  expect(done.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(now.most).toBe(3);
});

it("ends the others after a failure, and tells of it when they have ended", async () => {
  const ended: string[] = [];
  const running = inParallel(["bad", "good", "never"], 2, undefined, async (item, signal) => {
    if (item === "bad") throw new Error("bad");
    await sleep(5_000, undefined, { signal }).catch(() => ended.push(item));
  });
  await expect(running).rejects.toThrow("bad");
  expect(ended).toEqual(["good"]);
});

it("ends with the reason of an abort", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const running = inParallel([1, 2], 1, controller.signal, async (_, signal) => {
    controller.abort(reason);
    signal.throwIfAborted();
  });
  await expect(running).rejects.toBe(reason);
});
