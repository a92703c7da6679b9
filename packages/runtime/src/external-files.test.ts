import type { ModelFile } from "@latentkit/core";
import { expect, it } from "vitest";
import { externalWeights } from "./external-files.js";
import { memoryFile } from "./toy-networks.js";

const bytes = Uint8Array.of(1, 2, 3);

function diskFile(path: string): ModelFile {
  return { ...memoryFile(path, bytes), path };
}

it("maps files of one folder that have the graph's names", async () => {
  const files = ["a.safetensors", "b.safetensors"].map((location) => ({
    location,
    file: diskFile(`/models/unet/${location}`),
  }));
  expect(await externalWeights(files)).toEqual({ folder: "/models/unet", files: [] });
});

it.each([
  ["in memory", [memoryFile("a", bytes)]],
  ["under another name", [diskFile("/blobs/4f1c")]],
  ["in two folders", [diskFile("/one/a"), diskFile("/two/b")]],
  ["partly in memory", [diskFile("/one/a"), memoryFile("b", bytes)]],
])("reads files that are %s", async (_, found) => {
  const files = found.map((file, i) => ({ location: "ab".charAt(i), file }));
  const weights = await externalWeights(files);
  expect(weights).toEqual({ files: files.map(({ location }) => ({ path: location, data: bytes })) });
  expect(weights.files[0]?.data.buffer).not.toBe(bytes.buffer);
});

it("needs nothing for a graph without files", async () => {
  expect(await externalWeights([])).toEqual({ files: [] });
});
