import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as latentkit from "latentkit";
import { expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.js";
import { root } from "./repository.js";
import { emptyFolder, typeErrors } from "./type-errors.js";

const text = readFileSync(`${root}docs/which-file.md`, "utf8");

it("the programs of docs/which-file.md have no type errors", async () => {
  const folder = await emptyFolder("which-file");
  const blocks = codeBlocks(text, "ts");
  expect(blocks.length).toBeGreaterThan(1);
  for (const { line, code } of blocks) await writeFile(join(folder, `line-${line}.mts`), code);
  expect(await typeErrors(folder)).toBe("");
});

it("its table names classes that there are", () => {
  const named = [...text.matchAll(/`(\w+)(?:\.fromPretrained\(|`)/g)].map(([, name = ""]) => name);
  const classes = named.filter((name) => /^(?:[A-Z]\w*(?:Pipeline|Model|KL|Tiny|Encoder))$/.test(name));
  expect(new Set(classes).size).toBeGreaterThan(6);
  expect(classes.filter((name) => !(name in latentkit))).toEqual([]);
});
