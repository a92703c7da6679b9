import { ndarray, tensor } from "@latentkit/core";
import * as ort from "onnxruntime-web/wasm";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "./backend.js";
import { reopening } from "./reopening.js";
import { backendChecks } from "./testing.js";
import { alone, expand, linear } from "./toy-networks.js";
import { createBackend, onnxruntimeWeb } from "./web.js";

const feeds = { x: tensor(Float32Array.of(1, 0, 0), [1, 3]) };

describe.each(["wasm", "webgpu"] as const)("%s", async (device) => {
  const backend = await onnxruntimeWeb({ device });
  it.each(backendChecks)("$name", (check) => check.run(backend));

  it("tells what it is", () => {
    expect(backend).toMatchObject({ name: "onnxruntime-web", device, float16: false });
    expect(backend.reason).toMatch(device === "wasm" ? /^wasm, one thread$|^wasm, \d+ threads$/ : /^webgpu: .*google/);
  });
});

describe("onnxruntimeWeb", () => {
  it("prefers the CPU to a GPU in software, and says so", async () => {
    const backend = await createBackend();
    expect(backend).toMatchObject({ device: "wasm", reason: expect.stringContaining("the GPU is software (google") });
  });

  it("computes on a device of the caller's", async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const gpuDevice = await adapter!.requestDevice();
    const created = vi.spyOn(gpuDevice, "createBuffer");
    const backend = await onnxruntimeWeb({ gpuDevice });
    expect(backend.device).toBe("webgpu");
    const session = await backend.createSession(alone(linear()));
    expect([...((await session.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
    expect(created).toHaveBeenCalled();
    await session.dispose();
  });

  it("runs a library that is passed in", async () => {
    for (const lib of [ort, async () => ort]) {
      const session = await (await onnxruntimeWeb({ device: "wasm", lib })).createSession(alone(linear()));
      expect([...((await session.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
      await session.dispose();
    }
  });

  it("passes session options on", async () => {
    const backend = await onnxruntimeWeb({
      device: "wasm",
      sessionOptions: { executionProviders: ["no-such-provider"] },
    });
    await expect(backend.createSession(alone(linear()))).rejects.toMatchObject({
      message: expect.stringContaining("no-such-provider"),
    });
  });

  it("refuses devices that there are not", async () => {
    await expect(onnxruntimeWeb({ device: "cuda" })).rejects.toMatchObject({ code: "backend-unavailable" });
    await expect(onnxruntimeWeb({ threads: 0 })).rejects.toThrow(RangeError);
    await expect(onnxruntimeWeb({ device: "webnn" })).rejects.toMatchObject({
      code: "backend-unavailable",
      message: expect.stringMatching(/^device "webnn" does not work here \(.*WebNN.*\); use device "wasm"/),
    });
  });

  it("says what WebGPU lacks", async () => {
    vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValue(null);
    await expect(onnxruntimeWeb({ device: "webgpu" })).rejects.toMatchObject({
      code: "backend-unavailable",
      message: expect.stringContaining("the browser offers no GPU"),
    });
    expect((await onnxruntimeWeb()).device).toBe("wasm");
    vi.restoreAllMocks();
  });
});

/** The device that a backend was opened on. */
async function openedOn(): Promise<{ readonly backend: Backend; readonly device: () => GPUDevice }> {
  const asked = vi.spyOn(GPUAdapter.prototype, "requestDevice");
  const backend = await onnxruntimeWeb({ device: "webgpu" });
  const devices = await Promise.all(asked.mock.results.map(({ value }) => value));
  asked.mockRestore();
  return { backend, device: () => devices.at(-1) };
}

describe("a GPU", () => {
  it("that is lost fails its sessions, and new ones are opened on another", async () => {
    const { backend, device } = await openedOn();
    const session = await backend.createSession(alone(linear()), { keeps: true });
    const { z } = (await session.keep?.(feeds)) ?? {};
    device().destroy();
    const told = {
      name: "LatentKitError",
      code: "device-lost",
      message: "the GPU's device was lost (Device was destroyed.)",
    };
    await expect(z?.read()).rejects.toMatchObject(told);
    await expect(session.run(feeds)).rejects.toMatchObject(told);
    const again = await backend.createSession(alone(linear()), { keeps: true });
    expect([...((await again.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
    await expect(again.keep?.({ x: z! })).rejects.toMatchObject({ code: "device-lost" });
    await Promise.all([z?.dispose(), session.dispose(), again.dispose()]);
  });

  it("that is lost is another one's to go on with, told of once", async () => {
    const { backend, device } = await openedOn();
    const steady = reopening(backend);
    const told: string[] = [];
    steady.onReopen?.(({ code }) => told.push(code));
    const sessions = [await steady.createSession(alone(linear())), await steady.createSession(alone(linear()))];
    device().destroy();
    for (const session of sessions) expect([...((await session.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
    expect(told).toEqual(["device-lost"]);
    await Promise.all(sessions.map((session) => session.dispose()));
  });

  it("of the caller's that is lost is followed by one of the browser's", async () => {
    const gpuDevice = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const backend = reopening(await onnxruntimeWeb({ gpuDevice }));
    const session = await backend.createSession(alone(linear()));
    gpuDevice.destroy();
    expect([...((await session.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
    await session.dispose();
  });

  it("says when its memory runs out, which WebGPU tells by an event, and goes on", async () => {
    const { backend, device } = await openedOn();
    const session = await backend.createSession(alone(linear()));
    const error = new GPUOutOfMemoryError("Not enough memory left.");
    const run = session.run(feeds);
    device().dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error, cancelable: true }));
    await expect(run).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(/not enough memory; try a smaller picture.*Not enough memory left/),
    });
    expect([...((await session.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
    await session.dispose();
  });

  it("says what it cannot hold", async () => {
    const backend = reopening(await onnxruntimeWeb({ device: "webgpu" }));
    const session = await backend.createSession(alone(expand()));
    const x = tensor(Float32Array.of(3), [1]);
    // more than a buffer's 1 GiB, and than WebAssembly's addresses
    for (const rows of [2n ** 27n + 16n, 2n ** 29n]) {
      const shape = ndarray(BigInt64Array.of(rows, 2n), [2]);
      await expect(session.run({ x, shape })).rejects.toMatchObject({ code: "out-of-memory" });
    }
    const { y } = await session.run({ x, shape: ndarray(BigInt64Array.of(1n, 2n), [2]) });
    expect([...(y?.data ?? [])]).toEqual([3, 3]);
    await session.dispose();
  });

  it("that is gone after a loss is missed", async () => {
    const { backend, device } = await openedOn();
    device().destroy();
    vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValue(null);
    await device().lost;
    await expect(backend.createSession(alone(linear()))).rejects.toMatchObject({
      code: "backend-unavailable",
      message: 'there is no GPU any more; use device "wasm"',
    });
    vi.restoreAllMocks();
    const session = await backend.createSession(alone(linear()));
    expect([...((await session.run(feeds)).y?.data ?? [])]).toEqual([1, 2]);
    await session.dispose();
  });
});
