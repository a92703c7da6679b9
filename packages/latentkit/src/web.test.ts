import { afterEach, expect, it, vi } from "vitest";
import { sourceHere } from "./web.js";

afterEach(() => vi.unstubAllGlobals());

it.each([
  ["./models/tiny/", "https://my.page/app/models/tiny/"],
  ["../tiny", "https://my.page/tiny"],
  ["/models/tiny", "https://my.page/models/tiny"],
  ["models/tiny.safetensors", "https://my.page/app/models/tiny.safetensors"],
  ["a/b/c", "https://my.page/app/a/b/c"],
  ["stabilityai/sd-turbo", "stabilityai/sd-turbo"],
  ["https://huggingface.co/stabilityai/sd-turbo", "https://huggingface.co/stabilityai/sd-turbo"],
  ["", ""],
  [undefined, undefined],
])("a worker is told of %s by its whole address", (source, expected) => {
  vi.stubGlobal("document", { baseURI: "https://my.page/app/index.html" });
  expect(sourceHere(source)).toBe(expected);
});
