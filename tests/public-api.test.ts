import { posix } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { filesUnder, root } from "./repository.js";
import { packagesOf } from "./source-packages.js";

const kinds: readonly (readonly [ts.SymbolFlags, string])[] = [
  [ts.SymbolFlags.Class, "class"],
  [ts.SymbolFlags.Function, "function"],
  [ts.SymbolFlags.Variable, "const"],
  [ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias, "type"],
];

it("what the packages export changes only on purpose: review public-api.txt, update it with `npm test -- -u`", async () => {
  const entries = entryPoints();
  const program = ts.createProgram([...entries.values()], compilerOptions());
  const lines = [...entries].flatMap(([entry, file]) => exportsOf(program, file).map((line) => `${entry}: ${line}`));
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("public-api.txt");
});

/** Source files by the name under which users import them. */
function entryPoints(): ReadonlyMap<string, string> {
  const packages = packagesOf(filesUnder("packages", /package\.json$/));
  return new Map(
    [...packages.values()].flatMap(({ name, entries }) =>
      [...entries].map(([entry, file]): [string, string] => [posix.join(name, entry), root + file]),
    ),
  );
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  return ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options;
}

function exportsOf(program: ts.Program, file: string): string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const symbols = module ? checker.getExportsOfModule(module) : [];
  return symbols.map((symbol) => `${kindOf(symbol, checker)} ${symbol.name}`).sort();
}

function kindOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const { flags } = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return kinds.find(([mask]) => flags & mask)?.[1] ?? "unknown";
}
