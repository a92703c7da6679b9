import * as ort from "onnxruntime-web/wasm";
import { expect, it } from "vitest";
import { backendChecks } from "./testing.js";
import { onnxruntimeWeb } from "./web.js";

it("keeps the contract with two threads, on a page that may have them", async () => {
  expect(crossOriginIsolated).toBe(true);
  const backend = await onnxruntimeWeb({ device: "wasm", threads: 2, lib: ort });
  expect(backend.reason).toBe("wasm, 2 threads");
  for (const check of backendChecks) await check.run(backend);
  expect(ort.env.wasm.numThreads).toBe(2);
});
