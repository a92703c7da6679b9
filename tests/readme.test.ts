import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RgbaImage } from "@latentkit/images";
import { afterAll, beforeAll, expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.js";
import { fixtures } from "./golden.js";
import { filesUnder, root } from "./repository.js";
import { runTypeScript } from "./run-typescript.js";
import { emptyFolder, typeErrors } from "./type-errors.js";

const model = `${fixtures}pipelines/tiny-sd`;
const readmes = {
  "README.md": readFileSync(`${root}README.md`, "utf8"),
  ...filesUnder("packages", /^packages\/[^/]+\/README\.md$/),
  ...filesUnder("docs", /^docs\/(?!which-file).*\.md$/), // which-file has a test of its own: its files are the readers'
};

/** Every whole program in the READMEs and the documents; those marked `ts fragment` are none. */
const blocks = Object.entries(readmes).flatMap(([file, text]) =>
  codeBlocks(text, "ts").map(({ line, code }) => ({ file, line, code: withTinyModel(code) })),
);
const programOf = ({ file, line }: { readonly file: string; readonly line: number }): string =>
  `${file.replaceAll(/[^a-z]+/gi, "-")}-${line}.mts`;

let programs = "";
let folder = "";
beforeAll(async () => {
  programs = await emptyFolder("readme");
  for (const block of blocks) await writeFile(join(programs, programOf(block)), block.code);
  folder = await mkdtemp(join(tmpdir(), "latentkit-readme-"));
  const photo = new RgbaImage({ width: 96, height: 64, data: new Uint8Array(96 * 64 * 4).fill(127) });
  await photo.save(join(folder, "photo.png")); // what the programs call a picture of the reader's
});
afterAll(() => rm(folder, { recursive: true }));

/** Reads the tiny checkpoint in place of the reader's: `"./sd-turbo/unet"` becomes the `unet` of it. */
function withTinyModel(code: string): string {
  return code.replaceAll(/\b(fromPretrained|openModel|openSource)\("([^"]+)"/g, (_, call: string, source: string) => {
    const part = /\/(unet|vae|text_encoder|tokenizer)$/.exec(source)?.[0] ?? "";
    return `${call}(${JSON.stringify(model + part)}`;
  });
}

it("the programs in the READMEs have no type errors", async () => {
  expect(blocks.length).toBeGreaterThan(0);
  expect(await typeErrors(programs)).toBe("");
});

it.each(blocks)("$file, line $line, runs", async (block) => {
  const { code, stderr } = await runTypeScript(folder, join(programs, programOf(block)));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
