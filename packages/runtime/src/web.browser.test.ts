import { tensor } from "@latentkit/core";
import * as ort from "onnxruntime-web/wasm";
import { describe, expect, it, vi } from "vitest";
import { backendChecks } from "./testing.js";
import { alone, linear } from "./toy-networks.js";
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
