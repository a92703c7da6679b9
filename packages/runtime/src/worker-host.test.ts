import { LatentKitError } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { exitGate } from "./exit-gate.js";
import { workerHost } from "./worker-host.js";

function script(body: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`import { workerData } from "node:worker_threads";\n${body}`)}`,
  );
}

describe("workerHost", () => {
  it.each([
    ["throws", 'workerData.port.once("message", () => { throw new Error("boom"); });', "boom"],
    ["ends", 'workerData.port.once("message", () => process.exit(3));', "exit code 3"],
    ["does not start", 'throw new Error("no such module");', "no such module"],
  ])("reports a thread that %s", async (_, body, message) => {
    exitGate();
    const host = workerHost(script(body));
    const listeners = process.listenerCount("exit");
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await host.run("id", {}, ["y"]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LatentKitError);
      expect(error).toMatchObject({ code: "run-failed", message: expect.stringContaining(message) });
    }
    await host.release("id");
    await expect.poll(() => process.listenerCount("exit")).toBe(listeners);
  });
});
