import { expect, it } from "vitest";
import { modelUrl } from "./index.js";

it("is a folder beside the sources", () => {
  expect(modelUrl.href).toBe(new URL("../model/", import.meta.url).href);
  expect(modelUrl.pathname).toMatch(/\/model\/$/);
});
