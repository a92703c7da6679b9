import { builtinModules } from "node:module";
import { posix } from "node:path";
import { importsOf } from "./source-imports.js";
import { entryOf, type Package, packageName, packagesOf, type SourceTree } from "./source-packages.js";

/** Lower layers first: a package imports only packages of lower layers. The table in ARCHITECTURE.md is the same. */
export const LAYERS: readonly (readonly string[])[] = [
  ["@latentkit/core", "@latentkit/tiny-emoji"],
  ["@latentkit/hub"],
  ["@latentkit/tokenizer"],
  ["@latentkit/schedulers"],
  ["@latentkit/onnx"],
  ["@latentkit/runtime"],
  ["@latentkit/images"],
  ["@latentkit/models"],
  ["@latentkit/pipelines"],
  ["latentkit"],
  ["@latentkit/cli"],
];

/** Packages that run on Node alone. */
const NODE_PACKAGES = ["@latentkit/cli"];
/** Entry points that are for Node alone. */
const NODE_ENTRY = /^\.\/node(-|$)/;
/** Modules that exist on Node alone. */
const NODE_LIBRARIES = ["onnxruntime-node", "pngjs", "sharp", "@huggingface/hub"];
/** Folders beside `packages/` that see the packages as users do. */
const OUTSIDE = /^(examples|benchmarks|docs)\/.*\.[mc]?[jt]s$/;

/** Imports of packages that are undeclared, upward, not published, or by a path out of the package. */
export function layerFaults(tree: SourceTree): string[] {
  const packages = packagesOf(tree);
  const unplaced = [...packages.keys()].filter((name) => layerOf(name) === -1);
  const faults = [...packages.values()].flatMap((from) =>
    sourcesOf(tree, `${from.folder}/src/`).flatMap((file) =>
      importsOf(tree[file] ?? "").flatMap(({ specifier }) => {
        const reason = layerFault(specifier, file, from, packages);
        return reason === undefined ? [] : [`${file}: "${specifier}" ${reason}`];
      }),
    ),
  );
  return [...unplaced.map((name) => `${name} has no place in the layers`), ...faults];
}

function layerFault(
  specifier: string,
  file: string,
  from: Package,
  packages: ReadonlyMap<string, Package>,
): string | undefined {
  if (isRelative(specifier)) {
    const target = posix.join(posix.dirname(file), specifier);
    return target.startsWith(`${from.folder}/src/`) ? undefined : "leaves the package";
  }
  if (specifier.startsWith("node:")) return undefined;
  if (builtinModules.includes(specifier)) return `is Node's: write "node:${specifier}"`;
  const name = packageName(specifier);
  // a package takes its own variant for the platform by name, so that its exports choose
  if (specifier === `${from.name}/platform` && from.entries.has("./platform")) return undefined;
  if (!from.declared.has(name)) return `is not in the dependencies of ${from.name}`;
  const target = packages.get(name);
  if (!target) return undefined;
  if (layerOf(name) >= layerOf(from.name)) return `is not in a layer below ${from.name}`;
  return target.entries.has(entryOf(specifier)) ? undefined : `is no entry point of ${name}`;
}

/** Node's own modules that entry points for browsers reach, also by imports on use, which bundlers follow; with the way to them. */
export function platformFaults(tree: SourceTree): string[] {
  const packages = packagesOf(tree);
  return [...packages.values()].flatMap(({ name, entries }) =>
    [...entries].flatMap(([entry, file]) => {
      const isForNode = NODE_PACKAGES.includes(name) || NODE_ENTRY.test(entry);
      return isForNode ? [] : nodeImports(posix.join(name, entry), file, tree, packages);
    }),
  );
}

function nodeImports(entry: string, first: string, tree: SourceTree, packages: ReadonlyMap<string, Package>): string[] {
  const ways = new Map([[first, entry]]);
  const faults: string[] = [];
  for (const [file, way] of ways) {
    for (const { specifier, kind } of importsOf(tree[file] ?? "")) {
      if (kind === "type") continue;
      if (specifier.startsWith("node:") || NODE_LIBRARIES.includes(packageName(specifier))) {
        faults.push(
          `${file}: "${specifier}" is Node's, and browsers load this file by way of ${way}; reach it through ./platform`,
        );
      }
      const target = sourceOf(specifier, file, packages);
      if (target !== undefined && !ways.has(target)) ways.set(target, `${way} > ${posix.basename(target)}`);
    }
  }
  return faults;
}

/** The file behind an import, when it is one of the tree's. */
function sourceOf(specifier: string, file: string, packages: ReadonlyMap<string, Package>): string | undefined {
  if (isRelative(specifier)) return posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts");
  return packages.get(packageName(specifier))?.entries.get(entryOf(specifier));
}

/** Imports of packages that users could not write, in examples, benchmarks and documentation. */
export function outsideFaults(tree: SourceTree): string[] {
  const packages = packagesOf(tree);
  return Object.keys(tree).flatMap((file) => {
    if (!OUTSIDE.test(file)) return [];
    return importsOf(tree[file] ?? "").flatMap(({ specifier }) => {
      const reason = outsideFault(specifier, file, packages);
      return reason === undefined ? [] : [`${file}: "${specifier}" ${reason}`];
    });
  });
}

function outsideFault(specifier: string, file: string, packages: ReadonlyMap<string, Package>): string | undefined {
  if (isRelative(specifier)) {
    const target = posix.join(posix.dirname(file), specifier);
    // what a model was trained by is no part of its package
    const isInner = target.startsWith("packages/") && !/^packages\/[^/]+\/training\//.test(target);
    return isInner ? "is a package's inner file: import the package" : undefined;
  }
  const target = packages.get(packageName(specifier));
  return !target || target.entries.has(entryOf(specifier)) ? undefined : `is no entry point of ${target.name}`;
}

/** The published part of a package: neither its tests nor what starts it from source. */
function sourcesOf(tree: SourceTree, folder: string): string[] {
  return Object.keys(tree).filter(
    (path) => path.startsWith(folder) && /(?<!\.test|\.suite|\.source)\.[jt]s$/.test(path),
  );
}

const isRelative = (specifier: string): boolean => specifier.startsWith(".");
const layerOf = (name: string): number => LAYERS.findIndex((layer) => layer.includes(name));
