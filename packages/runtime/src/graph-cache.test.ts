import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type ModelFile, type ModelGraph, tensor } from "@latentkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { onnxruntimeNode } from "./node.js";
import { toyModel } from "./onnx-bytes.js";
import { memoryFile } from "./toy-networks.js";

const SIDE = 32;

/** `y = x · w` for a `w` of one value, large enough to lie beside the graph. */
const graphOf = (name: string) =>
  toyModel({
    inputs: [{ name: "x", type: "float32", shape: [1, SIDE] }],
    outputs: [{ name: "y", type: "float32", shape: [1, SIDE] }],
    nodes: [["MatMul", ["x", name], "y"]],
    constants: [
      { name, shape: [SIDE, SIDE], values: { location: "w.safetensors", offset: 0, length: 4 * SIDE * SIDE } },
    ],
  });
const graph = graphOf("w");
const weights = (value: number) => new Uint8Array(new Float32Array(SIDE * SIDE).fill(value).buffer);

let folder: string;
let cache: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "latentkit-graph-cache-")));
  cache = join(folder, "cache");
});
afterEach(() => rm(folder, { recursive: true }));

/** The network with its weights in a file of that value. */
async function network(value: number, modified = value): Promise<ModelGraph> {
  const path = join(folder, "w.safetensors");
  await writeFile(path, weights(value));
  await utimes(path, modified, modified);
  const file: ModelFile = { ...memoryFile("w.safetensors", weights(value)), path };
  return { graph, externalFiles: [{ location: "w.safetensors", file }] };
}

/** What the network gives for ones, over the number of them: its weights' value. */
async function weightOf(model: ModelGraph, graphCache: string | boolean = cache): Promise<number> {
  const backend = await onnxruntimeNode({ device: "cpu", worker: false, graphCache });
  const session = await backend.createSession(model);
  const { y } = await session.run({ x: tensor(new Float32Array(SIDE).fill(1 / SIDE), [1, SIDE]) });
  await session.dispose();
  return Number(y?.data[0]);
}

/** Makes a folder and its files as old as that. */
async function age(place: string, hours: number): Promise<void> {
  const time = new Date(Date.now() - hours * 3_600_000);
  for (const name of [...(await readdir(place)), "."]) await utimes(join(place, name), time, time);
}

async function onlyEntry(): Promise<string> {
  const [name, ...others] = await readdir(cache);
  expect(others).toEqual([]);
  return join(cache, name!);
}

describe("a cache of graphs", () => {
  it("opens a network the second time as it was optimised", async () => {
    const model = await network(2);
    expect(await weightOf(model)).toBe(2);
    // what is in the cache is what is opened
    await writeFile(join(await onlyEntry(), "weights"), weights(5));
    expect(await weightOf(model)).toBe(5);
  });

  it("opens a network anew when its weights have changed, and forgets the former", async () => {
    expect(await weightOf(await network(2))).toBe(2);
    const former = await onlyEntry();
    expect(await weightOf(await network(3))).toBe(3);
    expect(await onlyEntry()).not.toBe(former);
  });

  it.each<[string, (entry: string) => Promise<void>]>([
    ["weights that end too early", (entry) => truncate(join(entry, "weights"), 100)],
    ["no weights", (entry) => rm(join(entry, "weights"))],
    ["a broken graph", (entry) => writeFile(join(entry, "model.onnx"), "no graph")],
    ["no graph", (entry) => rm(join(entry, "model.onnx"))],
    ["broken facts", (entry) => writeFile(join(entry, "network.json"), "{")],
    ["facts of another kind", (entry) => writeFile(join(entry, "network.json"), '{"origins": [{}], "size": 1}')],
  ])("replaces an entry with %s", async (_, spoil) => {
    const model = await network(2);
    expect(await weightOf(model)).toBe(2);
    const entry = await onlyEntry();
    const whole = await readFile(join(entry, "weights"));
    await spoil(entry);
    expect(await weightOf(model)).toBe(2);
    expect(await onlyEntry()).toBe(entry);
    expect(await readFile(join(entry, "weights"))).toEqual(whole);
  });

  it("removes what was not written to its end, and what nobody has opened for long, and nothing else", async () => {
    const key = "0123456789abcdef0123456789abcdef";
    const uuid = (digit: number) => `00000000-0000-0000-0000-00000000000${digit}`;
    const model = await network(2);
    expect(await weightOf(model)).toBe(2);
    const own = await onlyEntry();
    const [old, recent] = [key, key.replaceAll("0", "1")];
    for (const name of [old, recent]) await cp(own, join(cache, name), { recursive: true });
    await rm(own, { recursive: true });
    const strangers = ["photos", "f".repeat(32), `${key}.${uuid(1)}`];
    for (const name of [...strangers, `${key}.${uuid(2)}`]) await mkdir(join(cache, name));
    await age(join(cache, `${key}.${uuid(2)}`), 2);
    for (const name of ["photos", "f".repeat(32)]) await age(join(cache, name), 1000);
    await age(join(cache, old), 31 * 24);
    await age(join(cache, recent), 29 * 24);
    expect(await weightOf(model)).toBe(2);
    expect((await readdir(cache)).sort()).toEqual([...strangers, recent, basename(own)].sort());
  });

  it("keeps what is opened now and then", async () => {
    const model = await network(2);
    expect(await weightOf(model)).toBe(2);
    const entry = await onlyEntry();
    await age(entry, 31 * 24);
    expect(await weightOf(model)).toBe(2);
    expect(await weightOf({ ...model, graph: graphOf("other") })).toBe(2);
    expect(await readdir(cache)).toContain(basename(entry));
  });

  it("keeps networks whose files are out of reach", async () => {
    const folders = [join(folder, "one"), join(folder, "two")];
    for (const [i, place] of folders.entries()) {
      await mkdir(place);
      const path = join(place, "w.safetensors");
      await writeFile(path, weights(i));
      const file: ModelFile = { ...memoryFile("w.safetensors", weights(i)), path };
      expect(await weightOf({ graph, externalFiles: [{ location: "w.safetensors", file }] })).toBe(i);
      await rm(place, { recursive: true });
    }
    expect(await readdir(cache)).toHaveLength(2);
  });

  it("serves several that open one network at once", async () => {
    const model = await network(2);
    expect(await Promise.all([weightOf(model), weightOf(model), weightOf(model)])).toEqual([2, 2, 2]);
    await onlyEntry();
  });

  it("keeps nothing of weights that are in memory alone", async () => {
    const file = memoryFile("w.safetensors", weights(2));
    expect(await weightOf({ graph, externalFiles: [{ location: "w.safetensors", file }] })).toBe(2);
    await expect(readdir(cache)).rejects.toThrow("ENOENT");
  });

  it("knows a file that is made of another by how it is made", async () => {
    const { externalFiles } = await network(2);
    const made = (value: number, how: string): ModelGraph => {
      const file = { ...memoryFile("w", weights(value)), madeOf: { file: externalFiles[0]!.file, how } };
      return { graph, externalFiles: [{ location: "w.safetensors", file }] };
    };
    expect(await weightOf(made(7, "7"))).toBe(7);
    expect(await weightOf(made(0, "7"))).toBe(7);
    expect(await weightOf(made(8, "8"))).toBe(8);
    expect(await readdir(cache)).toHaveLength(2);
  });

  it("opens networks where it cannot write", async () => {
    await writeFile(cache, "a file");
    expect(await weightOf(await network(2))).toBe(2);
  });

  it("refuses weights that are broken, with the error that it gives without a cache", async () => {
    const model = await network(2);
    await truncate(join(folder, "w.safetensors"), 100);
    const error = await weightOf(model, false).catch(({ message }) => message);
    await expect(weightOf(model)).rejects.toThrow(error);
    expect(await readdir(cache)).toEqual([]);
  });

  it.each([5, "", null])("refuses %j for a folder", async (graphCache) => {
    const message = `graphCache: expected true, false or a folder, got ${JSON.stringify(graphCache)}`;
    // @ts-expect-error: for callers without types
    await expect(onnxruntimeNode({ graphCache })).rejects.toThrow(new TypeError(message));
  });
});
