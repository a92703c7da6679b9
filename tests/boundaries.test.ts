import { describe, expect, it } from "vitest";
import { layerFaults, outsideFaults, platformFaults } from "./import-rules.js";
import { filesUnder } from "./repository.js";
import type { SourceTree } from "./source-packages.js";

const sources = /\.[mc]?[jt]s$|package\.json$/;

describe("the repository", () => {
  const folders = ["packages", "examples", "benchmarks", "docs"];
  const tree = Object.assign({}, ...folders.map((folder) => filesUnder(folder, sources)));

  it("imports downwards, and only what is declared", () => expect(layerFaults(tree)).toEqual([]));
  it("keeps Node's modules behind entry points for Node", () => expect(platformFaults(tree)).toEqual([]));
  it("uses published entry points in examples, benchmarks and docs", () => expect(outsideFaults(tree)).toEqual([]));
});

/** A package with an entry point "." and, when there is a `node.ts`, "./node". */
function packageFiles(
  folder: string,
  name: string,
  dependencies: Readonly<Record<string, string>>,
  files: SourceTree,
): SourceTree {
  const exports = {
    ".": { "@latentkit/source": "./src/index.ts", import: "./dist/index.js" },
    ...("node.ts" in files && { "./node": { "@latentkit/source": "./src/node.ts" } }),
  };
  const named = Object.entries(files).map(([file, text]) => [`packages/${folder}/src/${file}`, text]);
  return {
    [`packages/${folder}/package.json`]: JSON.stringify({ name, exports, dependencies }),
    ...Object.fromEntries(named),
  };
}

const own = { "@latentkit/core": "0.1.0" };

describe("the rules", () => {
  const core = packageFiles("core", "@latentkit/core", { ndarray: "1" }, { "index.ts": 'import nd from "ndarray";' });

  it("accept a good tree", () => {
    const runtime = packageFiles("runtime", "@latentkit/runtime", own, {
      "index.ts": 'import type { A } from "./backend.js"; export * from "@latentkit/core";',
      "backend.ts": 'import type { B } from "node:buffer";',
      "node.ts": 'import { readFileSync } from "node:fs"; import "./index.js";',
      "node.test.ts": 'import { z } from "latentkit"; import "../../../tests/golden.js";',
    });
    const good = {
      ...core,
      ...runtime,
      "examples/a.ts": 'import { b } from "@latentkit/runtime/node"; import "./b.js";',
    };
    expect([layerFaults(good), platformFaults(good), outsideFaults(good)]).toEqual([[], [], []]);
  });

  it.each([
    ["an import upwards", 'import { a } from "latentkit";', '"latentkit" is not in a layer below @latentkit/hub'],
    [
      "one of types upwards",
      'import type { A } from "latentkit";',
      '"latentkit" is not in a layer below @latentkit/hub',
    ],
    ["itself", 'export * from "@latentkit/hub";', '"@latentkit/hub" is not in a layer below @latentkit/hub'],
    ["what is not declared", 'import "comlink/x";', '"comlink/x" is not in the dependencies of @latentkit/hub'],
    [
      "an inner file of another",
      'import "@latentkit/core/a";',
      '"@latentkit/core/a" is no entry point of @latentkit/core',
    ],
    ["a path out of the package", 'await import("../../core/src/a.js");', '"../../core/src/a.js" leaves the package'],
    ["a bare name of Node's", 'const fs = require("fs");', '"fs" is Node\'s: write "node:fs"'],
  ])("find %s", (_, text, fault) => {
    const declared = { ...own, latentkit: "0.1.0", "@latentkit/hub": "0.1.0" };
    const tree = {
      ...core,
      ...packageFiles("latentkit", "latentkit", {}, { "index.ts": "" }),
      ...packageFiles("hub", "@latentkit/hub", declared, { "index.ts": "", "open.ts": text }),
    };
    expect(layerFaults(tree)).toEqual([`packages/hub/src/open.ts: ${fault}`]);
  });

  it("find a package that has no place in the layers", () => {
    const tree = packageFiles("new", "@latentkit/new", {}, { "index.ts": "" });
    expect(layerFaults(tree)).toEqual(["@latentkit/new has no place in the layers"]);
  });

  it("find Node's modules behind a common entry point, across packages", () => {
    const tree = {
      ...packageFiles(
        "core",
        "@latentkit/core",
        {},
        {
          "index.ts": 'export { a } from "./read.js";',
          "read.ts": 'export const read = () => import("node:fs/promises");',
        },
      ),
      ...packageFiles("models", "@latentkit/models", own, {
        "index.ts": 'import { b } from "@latentkit/core"; import { Tensor } from "onnxruntime-node";',
      }),
    };
    const core = (way: string) =>
      `packages/core/src/read.ts: "node:fs/promises" is Node's, and browsers load this file by way of ${way}; reach it through ./platform`;
    expect(platformFaults(tree)).toEqual([
      core("@latentkit/core > read.ts"),
      'packages/models/src/index.ts: "onnxruntime-node" is Node\'s, and browsers load this file by way of @latentkit/models; reach it through ./platform',
      core("@latentkit/models > index.ts > read.ts"),
    ]);
  });

  it.each([
    [
      'import "../packages/core/src/index.js";',
      `"../packages/core/src/index.js" is a package's inner file: import the package`,
    ],
    ['import "@latentkit/core/src/tensor.js";', '"@latentkit/core/src/tensor.js" is no entry point of @latentkit/core'],
  ])("find %s in an example", (text, fault) => {
    expect(outsideFaults({ ...core, "examples/a.ts": text })).toEqual([`examples/a.ts: ${fault}`]);
  });
});
