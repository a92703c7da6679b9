import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { RgbaImage } from "@latentkit/images";
import { afterAll, beforeAll, expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.js";
import { fixtures } from "./golden.js";
import { filesUnder, root } from "./repository.js";
import { runTypeScript } from "./run-typescript.js";

const model = `${fixtures}pipelines/tiny-sd`;
// below the root's node_modules, from where imports find the packages
const programs = `${root}node_modules/.cache/latentkit-readme`;
const readmes = {
  "README.md": readFileSync(`${root}README.md`, "utf8"),
  ...filesUnder("packages", /^packages\/[^/]+\/README\.md$/),
};

/** Every whole program in the READMEs; those marked `ts fragment` are none. */
const blocks = Object.entries(readmes).flatMap(([file, text]) =>
  codeBlocks(text, "ts").map(({ line, code }) => ({ file, line, code: withTinyModel(code) })),
);
const programOf = ({ file, line }: { readonly file: string; readonly line: number }): string =>
  `${file.replaceAll(/[^a-z]+/gi, "-")}-${line}.mts`;

let folder = "";
beforeAll(async () => {
  await rm(programs, { recursive: true, force: true });
  await mkdir(programs, { recursive: true });
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
  const config = {
    extends: `${root}tsconfig.json`,
    // as strict as a new project is
    compilerOptions: {
      noUncheckedIndexedAccess: false,
      exactOptionalPropertyTypes: false,
      declaration: false,
      isolatedDeclarations: false,
    },
    include: ["*.mts"],
  };
  await writeFile(join(programs, "tsconfig.json"), JSON.stringify(config));
  const compiler = promisify(execFile)(`${root}node_modules/.bin/tsc`, ["--project", programs]);
  expect(
    await compiler.then(
      ({ stdout }) => stdout,
      ({ stdout }) => stdout,
    ),
  ).toBe("");
});

it.each(blocks)("$file, line $line, runs", async (block) => {
  const { code, stderr } = await runTypeScript(folder, join(programs, programOf(block)));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
