import { posix } from "node:path";

/** A repository: paths from its root to texts. */
export type SourceTree = Readonly<Record<string, string>>;

/** A package as its manifest describes it. */
export interface Package {
  readonly name: string;
  readonly folder: string;
  readonly declared: ReadonlySet<string>;
  /** Source file of each entry point, as browsers see it: `"./node"` to `packages/runtime/src/node.ts`. */
  readonly entries: ReadonlyMap<string, string>;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly "@latentkit/source"?: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** All packages of a tree, by name. */
export function packagesOf(tree: SourceTree): ReadonlyMap<string, Package> {
  const manifests = Object.keys(tree).filter((path) => /^packages\/[^/]+\/package\.json$/.test(path));
  return new Map(
    manifests.map((path) => {
      const manifest: Manifest = JSON.parse(tree[path] ?? "");
      return [manifest.name, packageOf(manifest, posix.dirname(path))];
    }),
  );
}

function packageOf({ name, exports, dependencies, peerDependencies }: Manifest, folder: string): Package {
  const entries = Object.entries(exports).flatMap(([entry, target]): [string, string][] => {
    const source = typeof target === "string" ? undefined : target["@latentkit/source"];
    return source === undefined ? [] : [[entry, posix.join(folder, source)]];
  });
  return {
    name,
    folder,
    declared: new Set(Object.keys({ ...dependencies, ...peerDependencies })),
    entries: new Map(entries),
  };
}

/** `@latentkit/runtime/node` is of `@latentkit/runtime`. */
export function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** `@latentkit/runtime/node` is the entry point `./node`. */
export function entryOf(specifier: string): string {
  return `.${specifier.slice(packageName(specifier).length)}`;
}
