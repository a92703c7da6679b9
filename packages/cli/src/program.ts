import { Command, Option } from "commander";
import type { Device } from "latentkit";
import type { Flags } from "./flags.js";
import { addModelsCommand, type ModelsActions } from "./models-program.js";
import { finiteNumber, wholeNumber } from "./number-arguments.js";
import { outputPath } from "./output-paths.js";
import { parseScheduler, schedulerNames } from "./scheduler-names.js";
import { parseSize } from "./size.js";
import { version } from "./version.js";

const devices: readonly Device[] = ["auto", "cpu", "cuda", "webgpu", "dml", "coreml"];

const guide = `
Examples:
  latentkit "a red apple"
  latentkit "a red apple" -o apple.png --seed 42
  latentkit "a red apple" --model stabilityai/sd-turbo --steps 1 --guidance 1
  latentkit "a castle at dusk" --model ./stable-diffusion-v1-5 --size 768x512 --scheduler dpmpp-2m-karras
  latentkit "a cat" --count 4 -o cat.png        writes cat-1.png to cat-4.png
  latentkit "a cat" --json | jq -r .files[0]

Schedulers:
${wrapped(schedulerNames)}
  Diffusers' class names are understood too: EulerDiscreteScheduler, euler-discrete.

Output:
  The path of each picture goes to stdout, all else to stderr. A file named with --output is
  overwritten; without it, no file is. Each picture carries its settings in a PNG text.
  With --json, stdout has one object: files, seed, model, size, steps, scheduler, seconds and
  warnings; or, after a failure, error (code and message) and the files that were finished.

Exit codes:
  0 done   1 it could not be done   2 wrong usage   130 stopped with Ctrl-C   143 terminated`;

/** The command line: what there is to ask for, and `run` to do it. */
export function createProgram(run: (prompt: string, flags: Flags) => Promise<void>, models: ModelsActions): Command {
  // what follows `models` is its own, `--json` too
  const program = new Command("latentkit").enablePositionalOptions();
  addModelsCommand(describe(program).action(run), models);
  return program;
}

function describe(program: Command): Command {
  return (
    program
      .description("Draws a picture from a text.")
      .argument("<prompt>", "what to draw, in quotes")
      .option("-o, --output <file>", "the .png file to write (default: latentkit-SEED.png)", outputPath)
      .option(
        "-m, --model <source>",
        "a model's id on the Hub, folder, .safetensors file or web address (default: the embedded model)",
      )
      .option("-n, --negative <text>", "what to steer away from")
      .option("--steps <n>", "denoising steps", wholeNumber(1), 20)
      .option("--guidance <scale>", "obedience to the prompt, 1 for none (default: 7.5, embedded 4)", finiteNumber)
      .option("--size <size>", "pixels, as 512 or 768x512, width first (default: the model's)", parseSize)
      .option("--seed <n>", "the same seed draws the same picture (default: random)", wholeNumber())
      .option("--scheduler <name>", "sampler, see below (default: the model's)", parseScheduler)
      .addOption(new Option("--device <name>", "where to compute").choices(devices).default("auto"))
      .option("--count <n>", "pictures to draw, each with the next seed", wholeNumber(1), 1)
      .option("--json", "tell the result as JSON")
      .version(version, "-V, --version", "tell the version")
      .helpOption("-h, --help", "show this help")
      .addHelpText("after", guide)
      .exitOverride()
      // failures are told in one place, as text or as JSON
      .configureOutput({ outputError: () => undefined })
  );
}

function wrapped(names: readonly string[]): string {
  const half = Math.ceil(names.length / 2);
  return [names.slice(0, half), names.slice(half)].map((row) => `  ${row.join(", ")}`).join(",\n");
}
