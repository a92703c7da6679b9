import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { modelUrl } from "./index.js";

it("holds the files of the manifest, byte for byte", async () => {
  const manifest = await readFile(new URL("../SHA256SUMS", modelUrl), "utf8");
  const lines = manifest.trimEnd().split("\n");
  const found = await Promise.all(
    lines.map(async (line) => {
      const [, name = ""] = line.split("  ");
      const bytes = await readFile(new URL(`../${name}`, modelUrl));
      return `${createHash("sha256").update(bytes).digest("hex")}  ${name}`;
    }),
  );
  expect(found).toEqual(lines);
  const files = await readdir(modelUrl, { recursive: true, withFileTypes: true });
  expect(files.filter((file) => file.isFile()).length).toBe(lines.length);
});
