import { readdirSync, readFileSync } from "node:fs";
import type { Options } from "tsup";

type Target = string | { readonly "@latentkit/source"?: string };
type Manifest = {
  readonly exports: Readonly<Record<string, Target>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

/** Every package is built the same way: its entries are the `@latentkit/source` conditions of its `exports`. */
function build(name: string): Options {
  const root = `packages/${name}`;
  const manifest: Manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const sources = Object.values(manifest.exports).flatMap((target) => (typeof target === "string" ? [] : (target["@latentkit/source"] ?? [])));
  const entry = Object.fromEntries(sources.map((source) => [source.replace(/^\.\/src\/|\.ts$/g, ""), `${root}/${source}`]));
  const externals = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  return {
    name,
    entry,
    outDir: `${root}/dist`,
    format: ["esm", "cjs"],
    target: "es2022",
    platform: "neutral",
    shims: true,
    splitting: true,
    sourcemap: true,
    clean: true,
    treeshake: true,
    external: [/^node:/, ...externals.map((dependency) => new RegExp(`^${dependency}(/|$)`))],
    // tsup 8 sets baseUrl for the declarations, which TypeScript 6 calls deprecated
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  };
}

const configuration: Options[] = readdirSync("packages").map(build);
export default configuration;
