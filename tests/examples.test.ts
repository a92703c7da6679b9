import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadImage, RgbaImage } from "@latentkit/images";
import { StableDiffusionPipeline } from "@latentkit/pipelines";
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

const runExample = (name: string, ...parameters: readonly string[]): Promise<Finished> =>
  runTypeScript(folder, `${root}examples/${name}.ts`, model, ...parameters);
const picture = (name: string) => loadImage(join(folder, "out", `${name}.png`));

/** One of the pictures side by side in a strip. */
function tile({ width, height, data }: RgbaImage, index: number): RgbaImage {
  const rows = Array.from({ length: height }, (_, y) =>
    data.subarray((y * width + index * height) * 4).subarray(0, height * 4),
  );
  return new RgbaImage({ width: height, height, data: Uint8Array.from(rows.flatMap((row) => [...row])) });
}

/** What a pipeline draws for a prompt and a seed. */
async function drawn(prompt: string, seed: number): Promise<RgbaImage> {
  await using pipe = await StableDiffusionPipeline.fromPretrained(model);
  const { images } = await pipe.generate({ prompt, seed, numInferenceSteps: 20, guidanceScale: 5 });
  return images[0]!;
}

const difference = (a: RgbaImage, b: RgbaImage): number =>
  a.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b.data[i]!)), 0);

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

  it("compare samplers by steps", async () => {
    expect(await runExample("04-samplers", "2,3")).toEqual({ code: 0, stdout: "", stderr: "" });
    const grid = await readFile(join(folder, "out", "samplers.svg"), "utf8");
    expect(grid.match(/<image /g)).toHaveLength(8 * 2);
    expect(await readFile(join(folder, "out", "sigmas.svg"), "utf8")).toMatch(/Karras/);
  });

  it("go from one prompt and seed to another", async () => {
    expect(await runExample("05-interpolation")).toEqual({ code: 0, stdout: "", stderr: "" });
    const strip = await picture("05-interpolation");
    expect([strip.width, strip.height]).toEqual([8 * 64, 64]);
    expect(difference(tile(strip, 0), await drawn("panda", 5))).toBeLessThanOrEqual(1);
    expect(difference(tile(strip, 7), await drawn("red heart on a yellow background", 8))).toBeLessThanOrEqual(1);
    expect(difference(tile(strip, 0), tile(strip, 4))).toBeGreaterThan(10);
  });

  it("change the prompt on the way", async () => {
    expect(await runExample("06-prompt-schedule")).toEqual({ code: 0, stdout: "", stderr: "" });
    const strip = await picture("06-prompt-schedule");
    expect([strip.width, strip.height]).toEqual([8 * 64, 64]);
    expect(difference(tile(strip, 0), await drawn("grinning face", 4))).toBeLessThanOrEqual(1);
    expect(difference(tile(strip, 7), await drawn("alien", 4))).toBeLessThanOrEqual(1);
    expect(difference(tile(strip, 3), tile(strip, 0))).toBeGreaterThan(1);
  });

  it("draw a panorama", async () => {
    expect(await runExample("07-panorama")).toEqual({ code: 0, stdout: "", stderr: "" });
    const panorama = await picture("07-panorama");
    expect([panorama.width, panorama.height]).toEqual([6 * 64, 64]);
    expect(new Set(panorama.data).size).toBeGreaterThan(50);
  });

  it("illustrate a story", async () => {
    const { code, stdout, stderr } = await runExample("08-storybook");
    expect([code, stderr]).toEqual([0, ""]);
    const story = stdout.trim().split("\n");
    expect(story).toHaveLength(7);
    expect(story[0]).toBe("1. hot face on an orange background");
    const book = await picture("08-storybook");
    expect([book.width, book.height]).toEqual([4 * 64, 2 * 64]);
    expect(new Set(book.data).size).toBeGreaterThan(50);
  });

  // tiny-sd draws pictures of 64×64 pixels
  it.each([
    ["09-image-to-image", { "09-image-to-image": [8, 3] }],
    ["10-inpainting", { "10-inpainting": [8, 1], "10-outpainting": [4, 3] }],
    ["11-steering", { "11-preprocessors": [6, 1], "11-sketches": [4, 2] }],
    ["12-enlarging", { "12-enlarging": [8, 4] }],
    ["13-inversion", { "13-inversion": [7, 2] }],
  ])("%s", async (name, sheets: Readonly<Record<string, readonly number[]>>) => {
    expect(await runExample(name)).toEqual({ code: 0, stdout: "", stderr: "" });
    for (const [sheet, [columns = 0, rows = 0]] of Object.entries(sheets)) {
      const found = await picture(sheet);
      expect([found.width, found.height], sheet).toEqual([64 * columns, 64 * rows]);
      expect(new Set(found.data).size, sheet).toBeGreaterThan(50);
    }
  });
});
