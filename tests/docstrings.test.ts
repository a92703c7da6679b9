import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.js";
import { filesUnder, root } from "./repository.js";

// below the root's node_modules, from where imports find the packages
const programs = `${root}node_modules/.cache/latentkit-docstrings`;
const sources = filesUnder("packages", /^packages\/[^/]+\/src\/(?!.*\.test\.).*\.ts$/);

/** What the packages export, as lines of `public-api.txt` have it: `["torchRandom", "@latentkit/core"]`. */
const exported = readFileSync(`${root}tests/public-api.txt`, "utf8")
  .split("\n")
  .flatMap((line): [string, string][] => {
    const [, entry, name] = /^(\S+): \S+ (\S+)$/.exec(line) ?? [];
    return entry === undefined || name === undefined || entry.endsWith("/platform") ? [] : [[name, entry]];
  });

/** Where an example of a package takes a name from: the package itself, else the first that has it. */
function entryOf(name: string, folder: string): string | undefined {
  const entries = exported.filter(([known]) => known === name).map(([, entry]) => entry);
  return entries.find((entry) => entry.startsWith(`@latentkit/${folder}`)) ?? entries[0];
}

/** The examples of a source's doc comments, as modules that import what they name. */
function examplesOf(file: string, text: string): [string, string][] {
  const comments = [...text.matchAll(/^ *\/\*\*.*?\*\//gms)].map(({ 0: comment, index }) => ({
    text: comment.replaceAll(/^ *\* ?/gm, ""),
    line: text.slice(0, index).split("\n").length,
  }));
  const folder = file.split("/")[1] ?? "";
  return comments.flatMap((comment) =>
    codeBlocks(comment.text, "ts").map(({ code }): [string, string] => [
      `${folder}-${basename(file, ".ts")}-${comment.line}.mts`,
      withImports(code, folder),
    ]),
  );
}

function withImports(code: string, folder: string): string {
  const named = [...namesOf(code)].flatMap((name) => {
    const entry = entryOf(name, folder);
    return entry === undefined ? [] : `import { ${name} } from "${entry}";\n`;
  });
  return `${named.join("")}${code}export {};\n`;
}

/** Names that a text uses and does not declare itself. */
function namesOf(code: string): Set<string> {
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) (isDeclaration(node) ? declared : used).add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true));
  return new Set([...used].filter((name) => !declared.has(name)));
}

function isDeclaration({ parent }: ts.Identifier): boolean {
  return ts.isVariableDeclaration(parent) || ts.isBindingElement(parent) || ts.isImportSpecifier(parent);
}

it("the examples in doc comments have no type errors", async () => {
  await rm(programs, { recursive: true, force: true });
  await mkdir(programs, { recursive: true });
  const examples = Object.entries(sources).flatMap(([file, text]) => examplesOf(file, text));
  expect(examples.length).toBeGreaterThan(20);
  for (const [name, code] of examples) await writeFile(join(programs, name), code);
  const config = {
    extends: `${root}tsconfig.json`,
    compilerOptions: {
      noUncheckedIndexedAccess: false,
      exactOptionalPropertyTypes: false,
      declaration: false,
      isolatedDeclarations: false,
    },
    include: ["*.mts", `${root}tests/docstring-names.d.ts`],
  };
  await writeFile(join(programs, "tsconfig.json"), JSON.stringify(config));
  const compiler = promisify(execFile)(`${root}node_modules/.bin/tsc`, ["--project", programs]);
  const errors = await compiler.then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  );
  expect(errors).toBe("");
});
