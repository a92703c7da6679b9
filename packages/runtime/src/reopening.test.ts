import { LatentKitError, tensor } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import type { Backend, Session } from "./backend.js";
import { onnxruntimeNode } from "./node.js";
import { reopening } from "./reopening.js";
import { backendChecks } from "./testing.js";
import { alone, linear } from "./toy-networks.js";

const node = await onnxruntimeNode({ device: "cpu" });
const feeds = { x: tensor(Float32Array.of(1, 0, 0, 0, 1, 0), [2, 3]) };

/** A backend that counts the sessions it opens, and whose runs fail where `fails` says so. */
function unsteady(fails: (run: number) => LatentKitError | undefined) {
  const counts = { opened: 0, runs: 0 };
  const guard = (session: Session): Session => ({
    ...session,
    async run(...args) {
      const error = fails(++counts.runs);
      if (error) throw error;
      return session.run(...args);
    },
  });
  const backend: Backend = {
    ...node,
    async createSession(...args) {
      counts.opened++;
      return guard(await node.createSession(...args));
    },
  };
  return { backend: reopening(backend), counts };
}

const lost = new LatentKitError("device-lost", "the GPU's device was lost (destroyed)");

describe("reopening", () => {
  it.each(backendChecks)("$name", (check) => check.run(reopening(node)));

  it("makes a run again after a loss, opens every network anew, and tells once", async () => {
    const { backend, counts } = unsteady((run) => (run === 2 ? lost : undefined));
    const told: string[] = [];
    const stop = backend.onReopen?.((error) => told.push(error.code));
    const [first, second] = [
      await backend.createSession(alone(linear())),
      await backend.createSession(alone(linear())),
    ];
    await first.run(feeds);
    expect([...((await first.run(feeds)).y?.data ?? [])]).toEqual([1, 2, 3, 4]);
    expect([...((await second.run(feeds)).y?.data ?? [])]).toEqual([1, 2, 3, 4]);
    expect(told).toEqual(["device-lost"]);
    expect(counts).toEqual({ opened: 4, runs: 4 });
    stop?.();
    await Promise.all([first.dispose(), second.dispose()]);
  });

  it("gives up when the run fails again", async () => {
    const { backend, counts } = unsteady(() => new LatentKitError("run-failed", "the network failed: no"));
    const session = await backend.createSession(alone(linear()));
    await expect(session.run(feeds)).rejects.toMatchObject({ code: "run-failed" });
    expect(counts.runs).toBe(2);
    await session.dispose();
  });

  it("does not repeat what cannot get better", async () => {
    const { backend, counts } = unsteady(() => new LatentKitError("out-of-memory", "there is not enough memory"));
    const session = await backend.createSession(alone(linear()));
    await expect(session.run(feeds)).rejects.toMatchObject({ code: "out-of-memory" });
    await expect(session.run({})).rejects.toMatchObject({ code: "out-of-memory" });
    expect(counts).toEqual({ opened: 1, runs: 2 });
    await session.dispose();
  });

  it("wraps a backend once", () => {
    expect(reopening(reopening(node))).toBe(reopening(node));
  });
});
