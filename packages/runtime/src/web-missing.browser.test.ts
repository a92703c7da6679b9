import { expect, it } from "vitest";
import { alone, linear } from "./toy-networks.js";
import { onnxruntimeWeb } from "./web.js";

it("says when ONNX Runtime's files are missing", async () => {
  const backend = await onnxruntimeWeb({
    device: "wasm",
    wasmPaths: { wasm: new URL("/no-such-folder/ort.wasm", location.href) },
  });
  await expect(backend.createSession(alone(linear()))).rejects.toMatchObject({
    code: "backend-unavailable",
    message: expect.stringMatching(/^device "wasm" does not work here \(.*\); pass wasmPaths/s),
  });
});
