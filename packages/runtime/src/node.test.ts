import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { LatentKitError, type ModelFile, tensor } from "@latentkit/core";
import ndarray from "ndarray";
import * as ort from "onnxruntime-node";
import { describe, expect, it, vi } from "vitest";
import { runModule } from "../../../tests/run-module.js";
import { webgpuStatus, withWebgpu } from "../../../tests/webgpu.js";
import { createBackend, onnxruntimeNode } from "./node.js";
import { backendChecks } from "./testing.js";
import { alone, expand, linear, linearWithFile, power } from "./toy-networks.js";

/** What programs in processes of their own begin with. */
const imports = `
  import { onnxruntimeNode } from "@latentkit/runtime/node";
  import { backendChecks } from "@latentkit/runtime/testing";
  import { tensor } from "@latentkit/core";
  import { alone, linear, power } from "./node_modules/@latentkit/runtime/dist/toy-networks.js";
  const ones = (n) => tensor(new Float32Array(n * n).fill(1 / n), [n, n]);`;

function settings(worker: boolean): { device: "cpu"; worker: boolean } {
  return { device: "cpu", worker };
}

describe.each([
  ["cpu, on a thread of its own", settings(true)],
  ["cpu, on the calling thread", settings(false)],
])("%s", async (_, options) => {
  const backend = await onnxruntimeNode(options);
  it.each(backendChecks)("$name", (check) => check.run(backend));

  it("maps weights that lie in a folder", async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "latentkit-runtime-")));
    const { graph, bytes } = linearWithFile("model.safetensors");
    const path = join(folder, "model.safetensors");
    await writeFile(path, bytes);
    const read = () => Promise.reject(new Error("read instead of mapped"));
    const file: ModelFile = { name: "model.safetensors", size: bytes.length, path, read };
    const session = await backend.createSession({ graph, externalFiles: [{ location: "model.safetensors", file }] });
    const { y } = await session.run({ x: tensor(Float32Array.of(1, 0, 0), [1, 3]) });
    expect([...(y?.data ?? [])]).toEqual([1, 2]);
    await session.dispose();
    await rm(folder, { recursive: true });
  });

  it("says when memory runs out, and goes on", async () => {
    const session = await backend.createSession(alone(expand()));
    const feeds = (side: bigint) => ({
      x: tensor(Float32Array.of(3), [1]),
      shape: ndarray(BigInt64Array.of(side, 2n), [2]),
    });
    // 8 TiB
    const error = await session.run(feeds(2n ** 40n)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({ code: "out-of-memory", message: expect.stringContaining("smaller") });
    expect([...((await session.run(feeds(2n))).y?.data ?? [])]).toEqual([3, 3, 3, 3]);
    await session.dispose();
  });

  it("says when a run fails", async () => {
    const session = await backend.createSession(alone(expand()));
    const run = session.run({ x: tensor(Float32Array.of(3), [1]), shape: ndarray(BigInt64Array.of(-5n, 2n), [2]) });
    await expect(run).rejects.toMatchObject({ name: "LatentKitError", code: "run-failed", cause: expect.any(Error) });
    await session.dispose();
  });
});

describe("onnxruntimeNode", () => {
  it("keeps timers going during a run", async () => {
    const backend = await onnxruntimeNode({ device: "cpu" });
    const session = await backend.createSession(alone(power(24)));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await session.run({ x0: tensor(new Float32Array(1024 * 1024), [1024, 1024]) });
    clearInterval(timer);
    // on the calling thread it would be 0 or 1
    expect(ticks).toBeGreaterThan(3);
    await session.dispose();
  });

  it("takes a device, auto by default", async () => {
    expect((await onnxruntimeNode()).device).not.toBe("auto");
    expect(await createBackend({ device: "cpu" })).toMatchObject({ name: "onnxruntime-node", device: "cpu" });
  });

  it("refuses devices that there are not", async () => {
    // @ts-expect-error: not a device
    await expect(onnxruntimeNode({ device: "gpu" })).rejects.toThrow(
      new RangeError('device: expected one of auto, cpu, cuda, webgpu, dml, coreml, got "gpu"'),
    );
    await expect(onnxruntimeNode({ device: "wasm" })).rejects.toMatchObject({
      code: "backend-unavailable",
      message: expect.stringContaining("runs in browsers"),
    });
    await expect(onnxruntimeNode({ threads: 0 })).rejects.toThrow(RangeError);
  });

  it.skipIf(process.platform === "darwin")("says what a missing device needs", async () => {
    await expect(onnxruntimeNode({ device: "coreml" })).rejects.toMatchObject({
      code: "backend-unavailable",
      message: expect.stringContaining("Core ML needs macOS"),
    });
  });

  it("runs a library that is passed in, on the calling thread", async () => {
    const backend = await onnxruntimeNode({ device: "cpu", lib: async () => ort });
    const session = await backend.createSession(alone(linear()));
    const { y } = await session.run({ x: tensor(Float32Array.of(1, 0, 0), [1, 3]) }, ["y"]);
    expect([...(y?.data ?? [])]).toEqual([1, 2]);
    await session.dispose();
    await expect(onnxruntimeNode({ device: "cpu", lib: ort, worker: true })).rejects.toThrow(TypeError);
  });

  it("takes the threads that it is told to, also by OMP_NUM_THREADS", async () => {
    const create = vi.spyOn(ort.InferenceSession, "create");
    const open = async (threads?: number) => {
      const backend = await onnxruntimeNode({ device: "cpu", lib: ort, ...(threads !== undefined && { threads }) });
      await (await backend.createSession(alone(linear()))).dispose();
    };
    vi.stubEnv("OMP_NUM_THREADS", "3");
    await open();
    await open(2);
    vi.stubEnv("OMP_NUM_THREADS", "many");
    await open();
    vi.unstubAllEnvs();
    const usual = availableParallelism() < cpus().length ? availableParallelism() : undefined;
    expect(create.mock.calls.map(([, options]) => options?.intraOpNumThreads)).toEqual([3, 2, usual]);
    create.mockRestore();
  });

  it("passes session options on", async () => {
    const backend = await onnxruntimeNode({
      device: "cpu",
      sessionOptions: { executionProviders: ["no-such-provider"] },
    });
    await expect(backend.createSession(alone(linear()))).rejects.toMatchObject({
      message: expect.stringContaining("no-such-provider"),
    });
  });
});

describe("a process", () => {
  it("ends by itself while sessions are open", async () => {
    const { stdout, stderr } = await runModule(`${imports}
      const session = await (await onnxruntimeNode({ device: "cpu" })).createSession(alone(power(1)));
      const { x1 } = await session.run({ x0: ones(4) });
      console.log(x1.get(3, 1));`);
    expect({ stdout, stderr }).toEqual({ stdout: "0.25\n", stderr: "" });
  });

  it("stays until a run has ended", async () => {
    const { stdout } = await runModule(`${imports}
      const session = await (await onnxruntimeNode({ device: "cpu" })).createSession(alone(power(8)));
      session.run({ x0: ones(512) }).then(() => console.log("done"));`);
    expect(stdout).toBe("done\n");
  });

  it("may dispose during a run", async () => {
    const { stdout, stderr } = await runModule(`${imports}
      const session = await (await onnxruntimeNode({ device: "cpu" })).createSession(alone(power(8)));
      const run = session.run({ x0: ones(512) });
      process.once("SIGINT", async () => { await session.dispose(); await run; console.log("disposed"); process.exit(0); });
      setTimeout(() => process.kill(process.pid, "SIGINT"), 20);
      setInterval(() => {}, 1000);`);
    expect({ stdout, stderr }).toEqual({ stdout: "disposed\n", stderr: "" });
  });

  it.each([5, 60, 300])("may leave during a run, after %d ms", async (delay) => {
    const { stderr } = await runModule(`${imports}
      const session = await (await onnxruntimeNode({ device: "cpu" })).createSession(alone(power(16)));
      for (let i = 0; i < 4; i++) session.run({ x0: ones(512) });
      setTimeout(() => process.exit(0), ${delay});`);
    expect(stderr).toBe("");
  });
});

const { works, reason } = await webgpuStatus();

describe.skipIf(!works)(`webgpu${reason}`, () => {
  it.each([true, false])("keeps the contract, worker: %s", async (worker) => {
    const stdout = await withWebgpu(`${imports}
      const backend = await onnxruntimeNode({ device: "webgpu", worker: ${worker} });
      console.log(backend.device);
      for (const { name, run } of backendChecks) {
        await run(backend).catch((error) => { throw new Error(name, { cause: error }); });
        console.log(name);
      }`);
    expect(stdout.trim().split("\n")).toEqual(["webgpu", ...backendChecks.map(({ name }) => name)]);
  });
});
