import { expect, it, vi } from "vitest";
import { onnxruntimeNode } from "./node.js";
import { alone, linear } from "./toy-networks.js";

vi.mock("onnxruntime-node", () => {
  throw new Error("Cannot find package 'onnxruntime-node'");
});

it("says how to install onnxruntime-node", async () => {
  const backend = await onnxruntimeNode({ device: "cpu", worker: false });
  await expect(backend.createSession(alone(linear()))).rejects.toMatchObject({
    name: "LatentKitError",
    code: "backend-unavailable",
    message: expect.stringContaining("npm install onnxruntime-node"),
  });
});
