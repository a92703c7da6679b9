import { expect, it } from "vitest";
import { isModelId } from "./hub-reference.js";
import { sourcePlace } from "./source-place.js";

const hub = "https://huggingface.co";

it.each([
  ["stabilityai/sd-turbo", true],
  ["a/b", true],
  ["Owner_1/name.v1-5", true],
  ["name", false],
  ["a/b/c", false],
  ["./a", false],
  ["../a", false],
  ["a/.b", false],
  ["a/b-", false],
  ["a/b..c", false],
  ["a/b--c", false],
  ["a/b c", false],
  ["C:/b", false],
  ["a/", false],
])("%j may be the id of a model: %s", (text, expected) => expect(isModelId(text)).toBe(expected));

it.each([
  ["a/b", { kind: "path", path: "a/b", reference: { id: "a/b" } }],
  ["models/dream.safetensors", { kind: "path", path: "models/dream.safetensors" }],
  ["./a", { kind: "path", path: "./a" }],
  ["https://huggingface.co/a/b", { kind: "hub", reference: { id: "a/b" } }],
  ["https://HF.co/a/b/?x=1#y", { kind: "hub", reference: { id: "a/b" } }],
  ["https://huggingface.co/a/b/tree/v1", { kind: "hub", reference: { id: "a/b", revision: "v1" } }],
  [
    "https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/x%20y/z.safetensors?download=true",
    { kind: "hub", reference: { id: "a/b", revision: "refs/pr/1", file: "x y/z.safetensors" } },
  ],
] as const)("%j is read", (source, expected) => expect(sourcePlace(source, hub)).toEqual(expected));

it("knows the pages of a mirror, and of one below a path", () => {
  const reference = { id: "a/b", revision: "main", file: "c.safetensors" };
  const path = "/a/b/blob/main/c.safetensors";
  expect(sourcePlace(`http://mirror:8080${path}`, "http://mirror:8080")).toEqual({ kind: "hub", reference });
  expect(sourcePlace(`http://mirror/hf${path}`, "http://mirror/hf")).toEqual({ kind: "hub", reference });
  expect(sourcePlace(`https://huggingface.co${path}`, "http://mirror/hf")).toEqual({ kind: "hub", reference });
  for (const url of ["http://mirror/files/c.safetensors", "http://elsewhere/a/b/blob/main/c.safetensors"]) {
    expect(sourcePlace(url, "http://mirror")).toEqual({ kind: "url", url: new URL(url) });
  }
});
