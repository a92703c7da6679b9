import { afterEach, describe, expect, it, vi } from "vitest";
import { gpuFacts } from "./gpu-facts.js";
import { checkDevice, threadsFor } from "./web-device.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A page whose browser offers this adapter. */
function page(adapter: object | null | undefined, secure = true): void {
  const gpu = adapter === undefined ? undefined : { requestAdapter: async () => adapter };
  vi.stubGlobal("navigator", { gpu, hardwareConcurrency: 8 });
  vi.stubGlobal("isSecureContext", secure);
}

const limits = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 32 - 4 };
const card = { info: { vendor: "apple", architecture: "metal-3" }, features: new Set(["shader-f16"]), limits };

describe("gpuFacts", () => {
  it.each([
    ["a graphics card", card, "good", true, "apple metal-3, float16, buffers of 4095 MiB"],
    ["one without float16", { ...card, features: new Set() }, "good", false, "apple metal-3, no float16"],
    [
      "software",
      { ...card, info: { vendor: "google", architecture: "swiftshader", isFallbackAdapter: true } },
      "poor",
      true,
      "the GPU is software (google swiftshader",
    ],
    [
      "small buffers",
      { ...card, limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 } },
      "poor",
      true,
      "the GPU's buffers are too small (apple metal-3, float16, buffers of 128 MiB)",
    ],
    ["no adapter", null, "missing", false, "the browser offers no GPU"],
    ["no WebGPU", undefined, "missing", false, "this browser has no WebGPU"],
  ] as const)("knows %s", async (_, adapter, state, float16, description) => {
    page(adapter);
    expect(await gpuFacts(undefined)).toEqual({
      state,
      float16,
      description: expect.stringContaining(description),
    });
  });

  it("says that WebGPU needs a secure page", async () => {
    page(undefined, false);
    expect(await gpuFacts(undefined)).toMatchObject({
      state: "missing",
      description: "WebGPU needs https or localhost",
    });
  });

  it("never doubts the caller's own device", async () => {
    const device = { ...card, limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 } };
    expect(await gpuFacts(device as unknown as GPUDevice)).toMatchObject({ state: "good", float16: true });
  });
});

describe("threadsFor", () => {
  it("takes half of the processors on an isolated page, or what is asked for", () => {
    page(null);
    vi.stubGlobal("crossOriginIsolated", true);
    expect(threadsFor("wasm", undefined)).toEqual({ threads: 4, hint: "4 threads" });
    expect(threadsFor("wasm", 1)).toEqual({ threads: 1, hint: "one thread" });
    expect(threadsFor("webgpu", 8)).toEqual({ threads: 1, hint: "" });
  });

  it("takes one elsewhere, and says what to send", () => {
    page(null);
    vi.stubGlobal("crossOriginIsolated", false);
    const { threads, hint } = threadsFor("wasm", 8);
    expect([threads, hint]).toEqual([1, expect.stringContaining("Cross-Origin-Embedder-Policy: require-corp")]);
  });
});

describe("checkDevice", () => {
  it("tells Node's devices from words that are none", () => {
    expect(() => checkDevice("cuda")).toThrow(/^device "cuda" is Node's; in browsers use one of auto, webgpu, wasm/);
    // @ts-expect-error: not a device
    expect(() => checkDevice("gpu")).toThrow(
      new RangeError('device: expected one of auto, webgpu, wasm, webnn, got "gpu"'),
    );
  });
});
