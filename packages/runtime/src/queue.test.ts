import { expect, it } from "vitest";
import { createQueue } from "./queue.js";

it("runs one task at a time, in order, past a failure", async () => {
  const queue = createQueue();
  const log: string[] = [];
  const task = (name: string, fails = false) =>
    queue(async () => {
      log.push(`${name} starts`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([task("a"), task("b", true), task("c")]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(log).toEqual(["a starts", "a ends", "b starts", "b ends", "c starts", "c ends"]);
});
