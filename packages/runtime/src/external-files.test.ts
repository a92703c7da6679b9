import type { ModelFile } from "@latentkit/core";
import { expect, it } from "vitest";
import { externalWeights } from "./external-files.js";
import { memoryFile } from "./toy-networks.js";

const bytes = Uint8Array.of(1, 2, 3);

function diskFile(path: string, content = bytes): ModelFile {
  return { ...memoryFile(path, content), path };
}

it("maps files of one folder that have the graph's names", async () => {
  const files = ["a.safetensors", "b.safetensors"].map((location) => ({
    location,
    file: diskFile(`/models/unet/${location}`),
  }));
  const mapped = new Set(["a.safetensors", "b.safetensors"]);
  expect(await externalWeights(files)).toEqual({ folder: "/models/unet", mapped, files: [] });
});

it.each([
  ["in memory", [memoryFile("a", bytes)]],
  ["under another name", [diskFile("/blobs/4f1c")]],
])("reads files that are %s", async (_, found) => {
  const files = found.map((file, i) => ({ location: "ab".charAt(i), file }));
  const weights = await externalWeights(files);
  expect(weights).toEqual({ mapped: new Set(), files: files.map(({ location }) => ({ path: location, data: bytes })) });
  expect(weights.files[0]?.data.buffer).not.toBe(bytes.buffer);
});

it.each([
  ["in two folders", diskFile("/one/a", Uint8Array.of(1, 2, 3, 4)), diskFile("/two/b")],
  ["partly in memory", diskFile("/one/a"), memoryFile("b", bytes)],
])("maps the folder with the most bytes of files that are %s", async (_, a, b) => {
  const files = [
    { location: "b", file: b },
    { location: "a", file: a },
  ];
  const read = [{ path: "b", data: bytes }];
  expect(await externalWeights(files)).toEqual({ folder: "/one", mapped: new Set(["a"]), files: read });
});

it("reads one file after another, and each of its bytes once", async () => {
  const log: string[] = [];
  const files = ["a", "b"].map((location) => {
    const file = memoryFile(location, bytes);
    const read = async (offset = 0, length = 3) => {
      log.push(`${location} ${offset}+${length}`);
      const result = await file.read(offset, length);
      log.push(`${location} read`);
      return result;
    };
    return { location, file: { ...file, read } };
  });
  await externalWeights(files);
  expect(log).toEqual(["a 0+3", "a read", "b 0+3", "b read"]);
});

it("puts many files into one buffer", async () => {
  const files = ["a", "b", "c"].map((location) => ({ location, file: memoryFile(location, bytes) }));
  const read = (await externalWeights(files)).files;
  expect(read.map(({ data }) => [...data])).toEqual([1, 2, 3].map(() => [...bytes]));
  expect(new Set(read.map(({ data }) => data.buffer)).size).toBe(1);
  expect(read.map(({ data }) => data.byteOffset)).toEqual([0, 64, 128]);
});

it("refuses a file that has become shorter", async () => {
  const file = { ...memoryFile("a", bytes), size: 4 };
  await expect(externalWeights([{ location: "a", file }])).rejects.toMatchObject({ code: "invalid-checkpoint" });
});

it("needs nothing for a graph without files", async () => {
  expect(await externalWeights([])).toEqual({ mapped: new Set(), files: [] });
});
