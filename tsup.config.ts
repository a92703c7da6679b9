import { readdirSync, readFileSync } from "node:fs";
import type { Options } from "tsup";

type Target = string | (Sources & { readonly node?: Sources });
type Sources = { readonly "@latentkit/source"?: string };
type Manifest = {
  readonly name: string;
  readonly exports: Readonly<Record<string, Target>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

/**
 * Every package is built the same way; its entries are the `@latentkit/source` conditions of its `exports`. Modules stay
 * files of their own, so that bundlers leave out those that an app does not use; CommonJS, which no bundler takes apart,
 * is a file for each entry.
 */
function build(name: string): Options[] {
  const root = `packages/${name}`;
  const manifest: Manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const sources = Object.values(manifest.exports).flatMap((target) =>
    typeof target === "string" ? [] : [target, target.node].flatMap((sources) => sources?.["@latentkit/source"] ?? []),
  );
  const entry = Object.fromEntries(
    sources.map((source) => [source.replace(/^\.\/src\/|\.ts$/g, ""), `${root}/${source}`]),
  );
  const externals = [manifest.name, ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })];
  const common: Options = {
    outDir: `${root}/dist`,
    target: "es2022",
    platform: "neutral",
    removeNodeProtocol: false,
    sourcemap: true,
    external: [/^node:/, ...externals.map((dependency) => new RegExp(`^${dependency}(/|$)`))],
  };
  return [
    {
      ...common,
      name,
      format: "esm",
      bundle: false,
      entry: [`${root}/src/**/*.ts`, `!${root}/src/**/*.{test,suite}.ts`],
      clean: ["**/*.js", "**/*.js.map"],
    },
    {
      ...common,
      name: `${name} for CommonJS`,
      format: "cjs",
      entry,
      splitting: true,
      treeshake: true,
      esbuildOptions: nameOwnUrl,
      clean: ["**/*.cjs", "**/*.cjs.map"],
    },
    {
      ...common,
      name: `${name}, its types`,
      format: ["esm", "cjs"],
      entry,
      // tsup 8 sets baseUrl for the declarations, which TypeScript 6 calls deprecated
      dts: { only: true, compilerOptions: { ignoreDeprecations: "6.0" } },
      clean: ["**/*.d.ts", "**/*.d.cts"],
    },
  ];
}

/** CommonJS has no `import.meta.url`. Where it is not used, the line falls to tree shaking. */
function nameOwnUrl(options: Parameters<NonNullable<Options["esbuildOptions"]>>[0]): void {
  options.define = { ...options.define, "import.meta.url": "importMetaUrl" };
  options.banner = {
    js: 'const importMetaUrl = /* @__PURE__ */ (() => require("node:url").pathToFileURL(__filename).href)();',
  };
}

const configuration: Options[] = readdirSync("packages").flatMap(build);
export default configuration;
