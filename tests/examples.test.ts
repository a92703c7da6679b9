import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadImage } from "@latentkit/images";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "./golden.js";
import { root } from "./repository.js";
import { type Finished, runTypeScript } from "./run-typescript.js";

const model = `${fixtures}pipelines/tiny-sd`; // draws 64×64 pixels
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-examples-"));
});
afterAll(() => rm(folder, { recursive: true }));

const runExample = (name: string): Promise<Finished> => runTypeScript(folder, `${root}examples/${name}.ts`, model);
const picture = (name: string) => loadImage(join(folder, "out", `${name}.png`));

describe("the examples", () => {
  it("draw one picture with the pipeline and from its parts", async () => {
    for (const name of ["01-text-to-image", "02-from-parts"]) {
      expect(await runExample(name)).toEqual({ code: 0, stdout: "", stderr: "" });
    }
    const piped = await picture("01-text-to-image");
    expect([piped.width, piped.height]).toEqual([64, 64]);
    expect(new Set(piped.data).size).toBeGreaterThan(50); // not one flat colour
    expect(await picture("02-from-parts")).toEqual(piped);
  });

  it("compare samplers", async () => {
    const { code, stdout, stderr } = await runExample("03-schedulers");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.trim().split("\n")).toHaveLength(6);
    for (const line of stdout.trim().split("\n")) expect(line).toMatch(/^[\w+ ]+ \d+\.\d\d s$/);
    const row = await picture("03-schedulers");
    expect([row.width, row.height]).toEqual([6 * 64, 64]);
    expect(new Set(row.data).size).toBeGreaterThan(50);
  });
});
