import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadImage, pngText } from "latentkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { runCommand } from "../../../tests/run-command.js";

const model = `${fixtures}pipelines/tiny-sd`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => runCommand(args, folder);
const draw = (...args: string[]) => run("a red apple", "--model", model, "--steps", "3", ...args);

describe("a picture", () => {
  it("is written where it was asked for, of that size, with its settings, and its path is told", async () => {
    const flags = ["--size", "48x64", "--seed", "7", "--negative", "blurry, dark", "--scheduler", "euler-a"];
    const { code, stdout, stderr } = await draw("-o", "apple.png", ...flags);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${join(folder, "apple.png")}\n`, stderr: "" });
    expect(await readdir(folder)).toEqual(["apple.png"]);

    const { width, height } = await loadImage(stdout.trim());
    expect([width, height]).toEqual([48, 64]);
    const { parameters } = pngText(await readFile(stdout.trim()));
    expect(parameters).toMatch(
      /^a red apple\nNegative prompt: blurry, dark\nSteps: 3, Sampler: Euler a, CFG scale: 7\.5, Seed: 7, Size: 48x64, Model: tiny-sd, Version: latentkit [\d.]+$/,
    );
  });

  it("is the same for the same seed, alone or among several, and another for another", async () => {
    const size = ["--size", "64x48"];
    const [alone, several] = [
      await draw("-o", "alone.png", "--seed", "8", ...size),
      await draw("-o", "several.png", "--seed", "7", "--count", "2", ...size),
    ];
    expect([alone.code, several.code]).toEqual([0, 0]);
    expect(several.stdout.trim().split("\n")).toEqual(
      ["several-1.png", "several-2.png"].map((name) => join(folder, name)),
    );
    const read = (name: string) => readFile(join(folder, name));
    expect(await read("alone.png")).toEqual(await read("several-2.png"));
    expect(await read("alone.png")).not.toEqual(await read("several-1.png"));
  });

  it("is named after its seed when no file is given, and replaces none", async () => {
    const first = await draw();
    const [, seed = ""] = /^seed (\d+) \(--seed \1 draws it again\)$/m.exec(first.stderr) ?? [];
    const second = await draw("--seed", seed);
    expect([first.stdout.trim(), second.stdout.trim()]).toEqual(
      [`latentkit-${seed}.png`, `latentkit-${seed}-2.png`].map((name) => join(folder, name)),
    );
    expect(second.stderr).toBe("");
    expect(await readFile(first.stdout.trim())).toEqual(await readFile(second.stdout.trim()));
  });

  it("is drawn by the embedded model when none is given, also from an empty prompt", async () => {
    const { code, stdout } = await run("", "--steps", "2", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      model: "tiny-emoji",
      steps: 2,
      scheduler: "DPMSolverMultistepScheduler",
      size: "64x64",
    });
  });
});

describe("--graph-cache", () => {
  it("keeps networks, and draws the same picture", async () => {
    vi.stubEnv("XDG_CACHE_HOME", folder);
    const size = ["--size", "64x48", "--seed", "7"];
    await draw("-o", "plain.png", ...size);
    for (const name of ["first.png", "second.png"]) await draw("-o", name, "--graph-cache", ...size);
    expect(await readdir(join(folder, "latentkit/graphs"))).toHaveLength(4);
    const [plain, ...kept] = await Promise.all(
      ["plain.png", "first.png", "second.png"].map((name) => readFile(join(folder, name))),
    );
    expect(kept).toEqual([plain, plain]);
  });
});

describe("quality and feature reuse", () => {
  const parametersOf = async (name: string) => pngText(await readFile(join(folder, name))).parameters;
  const flags = ["--model", model, "--seed", "7", "--size", "48x64", "--json"];

  it("is a sampler, steps and reuse by one word", async () => {
    const { code, stdout } = await run("a red apple", ...flags, "--quality", "draft", "-o", "draft.png");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 16, scheduler: "DPMSolverMultistepScheduler" });
    expect(await parametersOf("draft.png")).toMatch(
      /Steps: 16, Sampler: DPM\+\+ 2M Karras, .*, DeepCache interval: 2, Version/,
    );
    const spelled = ["--scheduler", "dpmpp-2m-karras", "--steps", "16", "--deep-cache", "2"];
    await run("a red apple", ...flags, ...spelled, "-o", "spelled.png");
    expect(await readFile(join(folder, "spelled.png"))).toEqual(await readFile(join(folder, "draft.png")));
  });

  it("leaves what is said beside it", async () => {
    const said = ["--quality", "draft", "--scheduler", "euler", "--steps", "3", "--deep-cache", "1"];
    await run("a red apple", ...flags, ...said, "-o", "draft.png");
    await run("a red apple", ...flags, ...said.slice(2), "-o", "spelled.png");
    expect(await parametersOf("draft.png")).toMatch(/Steps: 3, Sampler: Euler, /);
    expect(await readFile(join(folder, "spelled.png"))).toEqual(await readFile(join(folder, "draft.png")));
    const plain = await run("a red apple", ...flags, "--quality", "normal", "--steps", "2", "-o", "plain.png");
    expect(JSON.parse(plain.stdout)).toMatchObject({ steps: 2, scheduler: "PNDMScheduler" });
  });
});

describe("--json", () => {
  it("tells the result as one object, and warnings on stderr as well", async () => {
    const prompt = "apple ".repeat(100);
    const flags = ["--model", model, "--steps", "2", "--seed", "1", "--size", "64x48", "-o", "a.png"];
    const { code, stdout, stderr } = await run(prompt, ...flags, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      files: [join(folder, "a.png")],
      seed: 1,
      model,
      size: "64x48",
      steps: 2,
      scheduler: "PNDMScheduler",
      seconds: expect.any(Number),
      warnings: [{ code: "prompt-truncated", message: expect.stringContaining("77 tokens") }],
    });
    expect(stderr).toMatch(/^warning: the prompt is longer than 77 tokens.*\n$/);
  });

  it("tells failures as an object too", async () => {
    const usage = await run("a red apple", "--json", "--stepz", "3");
    expect(usage.code).toBe(2);
    expect(JSON.parse(usage.stdout)).toEqual({
      error: { code: "usage", message: expect.stringContaining("--stepz") },
      files: [],
    });
    const missing = await run("a red apple", "--json", "--model", "nowhere");
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: "file-not-found" } });
    expect(usage.stderr + missing.stderr).toBe("");
  });
});

describe("failures", () => {
  it.each([
    ["a size that is no multiple of 8", ["--size", "50x64"], /--size.*'50x64'.*multiples of 8/],
    ["more steps than the network was trained on", ["--steps", "1001"], /--steps: expected .*1000/],
    [
      "a grade of a sampler of few steps",
      ["--quality", "draft", "--scheduler", "lcm"],
      /--quality: expected "normal" .*LCMScheduler/,
    ],
    ["an unknown scheduler", ["--scheduler", "magic"], /--scheduler.*'magic'.*euler-a, .*EulerDiscreteScheduler/],
  ])("%s is wrong usage", async (_, flags, message) => {
    const { code, stdout, stderr } = await draw(...flags);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ["a missing model", ["--model", "nowhere"], /no such folder or file: .*nowhere/],
    ["a folder that is no model", ["--model", "."], /model_index\.json/],
    [
      "a missing folder for the picture",
      ["-o", "nowhere/a.png"],
      /no such folder: .*nowhere; create it first: mkdir -p/,
    ],
    ["a folder in the picture's place", ["-o", "taken.png"], /taken\.png is a folder/],
  ])("%s is a failure", async (_, flags, message) => {
    await mkdir(join(folder, "taken.png"));
    const { code, stdout, stderr } = await draw(...flags);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});

describe("stopping", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends a run after the step under way and leaves no file", async (signal, exitCode) => {
    // the warning about the long prompt comes when the run has begun
    const flags = ["--model", model, "--steps", "900", "--size", "256x192", "-o", "a.png"];
    let stopped = false;
    const { code, stdout, stderr } = await runCommand(["apple ".repeat(100), ...flags], folder, (text, child) => {
      if (stopped || !text.includes("warning")) return;
      // npm passes on what the terminal has sent already
      stopped = child.kill(signal) && child.kill(signal);
    });
    expect(stderr).toContain("stopping after this step");
    expect(stderr).toContain(`error: stopped by ${signal}\n`);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("help", () => {
  it("shows what there is, with examples", async () => {
    const { code, stdout, stderr } = await run("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: latentkit [options] [command] <prompt>

      Draws a picture from a text.

      Arguments:
        prompt                      what to draw, in quotes

      Options:
        -o, --output <file>         the .png file to write (default:
                                    latentkit-SEED.png)
        -m, --model <source>        a model's id on the Hub, folder, .safetensors file
                                    or web address (default: the embedded model)
        -n, --negative <text>       what to steer away from
        --steps <n>                 denoising steps (default: 20, latent consistency
                                    models 4)
        --guidance <scale>          obedience to the prompt, 1 for none (default: what
                                    suits the model, mostly 7.5)
        --size <size>               pixels, as 512 or 768x512, width first (default:
                                    the model's)
        --seed <n>                  the same seed draws the same picture (default:
                                    random)
        --scheduler <name>          sampler, see below (default: the model's)
        --quality <name>            sampler and steps by one word; what is given
                                    beside it stands (choices: "draft", "normal",
                                    "best")
        --deep-cache <n>            run the whole network in every n-th step only:
                                    faster, less exact
        --device <name>             where to compute (choices: "auto", "cpu", "cuda",
                                    "webgpu", "dml", "coreml", default: "auto")
        --graph-cache               keep networks on disk as they were optimised:
                                    opens faster the next time, on a CPU
        --count <n>                 pictures to draw, each with the next seed
                                    (default: 1)
        --json                      tell the result as JSON
        -V, --version               tell the version
        -h, --help                  show this help

      Commands:
        img2img [options] <prompt>  makes another picture of a picture
        inpaint [options] <prompt>  paints a part of a picture anew
        upscale [options] [prompt]  enlarges a picture
        control [options] <prompt>  draws what another picture steers: its edges, its
                                    depth, its tones
        models                      lists, downloads, removes and describes models

      Examples:
        latentkit "a red apple"
        latentkit "a red apple" -o apple.png --seed 42
        latentkit "a red apple" --model stabilityai/sd-turbo --steps 1 --guidance 1
        latentkit "a castle at dusk" --model ./stable-diffusion-v1-5 --size 768x512 --scheduler dpmpp-2m-karras
        latentkit "a cat" --count 4 -o cat.png        writes cat-1.png to cat-4.png
        latentkit "a cat" --json | jq -r .files[0]
        latentkit img2img "an oil painting" --image photo.png --strength 0.6
        latentkit inpaint "a bench" --image street.png --mask mask.png -o empty.png
        latentkit upscale --image small.png --scale 2 -o large.png
        latentkit control "a castle" --image edges.png --controlnet ./sd-controlnet-canny --model ./stable-diffusion-v1-5

      Schedulers:
        ddim, dpmpp-2m, dpmpp-2m-karras, dpmpp-2m-sde, dpmpp-2m-sde-karras, euler,
        euler-karras, euler-a, heun, lcm, pndm, unipc
        Diffusers' class names are understood too: EulerDiscreteScheduler, euler-discrete.

      Output:
        The path of each picture goes to stdout, all else to stderr. A file named with --output is
        overwritten; without it, no file is. Each picture carries its settings in a PNG text.
        With --json, stdout has one object: files, seed, model, size, steps, scheduler, seconds and
        warnings; or, after a failure, error (code and message) and the files that were finished.

      Exit codes:
        0 done   1 it could not be done   2 wrong usage   130 stopped with Ctrl-C   143 terminated
      "
    `);
  });

  it("tells the version", async () => {
    const { code, stdout } = await run("--version");
    const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` });
  });
});
