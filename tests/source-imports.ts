import ts from "typescript";

/** One import of a source file. Dynamic imports load on use; those of types leave nothing behind. */
export interface SourceImport {
  readonly specifier: string;
  readonly kind: "static" | "dynamic" | "type";
}

/** Every `import`, `export … from`, `import()` and `require` of a TypeScript or JavaScript text. */
export function importsOf(text: string): SourceImport[] {
  const found: SourceImport[] = [];
  const visit = (node: ts.Node): void => {
    const entry = importOf(node);
    if (entry) found.push(entry);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest));
  return found;
}

function importOf(node: ts.Node): SourceImport | undefined {
  if (ts.isImportDeclaration(node)) return statement(node.moduleSpecifier, leavesNothing(node));
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) return statement(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return statement(node.argument.literal, true);
  if (!ts.isCallExpression(node)) return undefined;
  const [argument] = node.arguments;
  if (!argument || !ts.isStringLiteralLike(argument)) return undefined;
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return { specifier: argument.text, kind: "dynamic" };
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
  return isRequire ? { specifier: argument.text, kind: "static" } : undefined;
}

function statement(specifier: ts.Node, isType: boolean): SourceImport | undefined {
  if (!ts.isStringLiteralLike(specifier)) return undefined;
  return { specifier: specifier.text, kind: isType ? "type" : "static" };
}

// with verbatimModuleSyntax only a whole `import type` vanishes
function leavesNothing({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}
