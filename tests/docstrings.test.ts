import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { codeBlocks } from "./code-blocks.js";
import { filesUnder, root } from "./repository.js";
import { emptyFolder, typeErrors } from "./type-errors.js";

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
  const examples = Object.entries(sources).flatMap(([file, text]) => examplesOf(file, text));
  expect(examples.length).toBeGreaterThan(20);
  const folder = await emptyFolder("docstrings");
  for (const [name, code] of examples) await writeFile(join(folder, name), code);
  expect(await typeErrors(folder, `${root}tests/docstring-names.d.ts`)).toBe("");
});
