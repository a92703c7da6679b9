import { remoteTensor } from "@latentkit/core";
import { LatentKitError, localTensor, RemoteValuesError, RgbaImage, tensor, torchRandom } from "latentkit";
import { describe, expect, it } from "vitest";
import { buffersOf, pack, unpack } from "./parcel.js";
import { outcomeOf, resultOf } from "./worker-outcome.js";

async function acrossThreads<Value>(value: Value, isMoved = false): Promise<Value> {
  const parcel = await pack(value, "value");
  const { content } = structuredClone(parcel, isMoved ? { transfer: buffersOf(parcel) } : undefined);
  return unpack<Value>({ content });
}

describe("a parcel", () => {
  const image = new RgbaImage({ width: 2, height: 1, data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) });

  it.each([
    [1.5, "a", true, null, undefined, 3n],
    [new Uint8Array([1, 2]), new Blob(["a"]), new Date(5), new Map([[1, 2]])],
    { latents: torchRandom(1).normal([1, 4, 3, 5]), images: [image, new URL("file:///a.png")], seed: [1, 2] },
    Object.assign(Object.create(null), { a: { b: [image] } }),
  ])("brings back what was packed", async (value) => {
    expect(await acrossThreads(value)).toEqual(value);
  });

  it("brings tensors and pictures back as such", async () => {
    const [latents, picture] = await acrossThreads([torchRandom(1).normal([2, 3]), image] as const);
    expect(latents.get(1, 2)).toBe(torchRandom(1).normal([2, 3]).get(1, 2));
    expect(picture).toBeInstanceOf(RgbaImage);
  });

  it("brings tensors that are on a device as such, without their values", async () => {
    const there = remoteTensor([1, 4, 3, 5], async () => new Float32Array(60));
    const { latents } = await acrossThreads({ latents: there });
    expect(latents.shape).toEqual([1, 4, 3, 5]);
    expect(() => latents.data).toThrow(RemoteValuesError);
    await expect(localTensor(latents)).rejects.toThrow("the latents of this step were left in the worker");
  });

  it("knows a picture of another build of the library", async () => {
    class Picture {
      readonly width = 2;
      readonly height = 1;
      readonly data = image.data;
      toPng() {}
    }
    expect(await acrossThreads<unknown>(new Picture())).toEqual(image);
  });

  it("takes of a view its own values only", async () => {
    const all = tensor(new Float32Array(1000), [10, 100]);
    const part = tensor(all.data.subarray(100, 200), [1, 100]);
    expect(buffersOf(await pack({ part, turned: all.transpose(1, 0) }, ""))).toMatchObject([
      { byteLength: 400 },
      { byteLength: 4000 },
    ]);
    await acrossThreads({ part }, true);
    expect(all.data.length).toBe(1000);
  });

  it("moves memory once", async () => {
    const latents = torchRandom(1).normal([1, 4]);
    const moved = await acrossThreads({ a: latents, b: [latents] }, true);
    expect(moved.b[0]).toEqual(moved.a);
    expect(latents.data.length).toBe(0);
  });

  class Network {
    weights = 3;
  }
  it.each([
    [{ a: [1, () => 2] }, "value.a[1]: expected something that can be sent to a worker, got a function; see connect"],
    [new Network(), "value: expected something that can be sent to a worker, got an instance of Network; see connect"],
    [Symbol("a"), "value: expected something that can be sent to a worker, got a symbol; see connect"],
  ])("names what cannot cross", async (value, message) => {
    await expect(pack(value, "value")).rejects.toEqual(new TypeError(message));
  });
});

describe("an outcome", () => {
  async function rethrown(error: unknown, signal?: AbortSignal): Promise<unknown> {
    const outcome = structuredClone(await outcomeOf(() => Promise.reject(error), signal));
    try {
      return resultOf(outcome, signal);
    } catch (thrown) {
      return thrown;
    }
  }

  it.each([
    new TypeError("steps: expected a number"),
    new RangeError("steps: expected 1", { cause: new TypeError("inner") }),
    new LatentKitError("out-of-memory", "try less", { cause: "code 7" }),
    Object.assign(new Error("odd"), { name: "OddError" }),
    new DOMException("stopped", "AbortError"),
  ])("keeps class, message and cause of %s", async (error) => {
    const thrown = await rethrown(error);
    expect(thrown).toEqual(error);
    expect(thrown).toBeInstanceOf(error.constructor);
    expect(Object(thrown).stack).toBe(error.stack);
  });

  it("drops what cannot be copied", async () => {
    const error = new LatentKitError("run-failed", "no", { cause: Object.assign(new Error("why"), { use: () => 1 }) });
    expect(await rethrown(error)).toMatchObject({ code: "run-failed", cause: { message: "why" } });
    expect(await rethrown("a word")).toBe("a word");
  });

  it("of an abort is the signal's own reason", async () => {
    const reason = { why: () => "any value" };
    expect(await rethrown(reason, AbortSignal.abort(reason))).toBe(reason);
    expect(await rethrown(new TypeError("no"), AbortSignal.abort(reason))).toEqual(new TypeError("no"));
  });

  it("is the result otherwise", async () => {
    expect(resultOf(await outcomeOf(async () => 3))).toBe(3);
  });
});
