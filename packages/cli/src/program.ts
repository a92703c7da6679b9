import { Command } from "commander";
import { addDrawingOptions, type Draw } from "./drawing-options.js";
import type { Flags } from "./flags.js";
import { addImageCommands } from "./image-program.js";
import { addModelsCommand, type ModelsActions } from "./models-program.js";
import { schedulerNames } from "./scheduler-names.js";
import { version } from "./version.js";

const guide = `
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
${wrapped(schedulerNames)}
  Diffusers' class names are understood too: EulerDiscreteScheduler, euler-discrete.

Output:
  The path of each picture goes to stdout, all else to stderr. A file named with --output is
  overwritten; without it, no file is. Each picture carries its settings in a PNG text.
  With --json, stdout has one object: files, seed, model, size, steps, scheduler, seconds and
  warnings; or, after a failure, error (code and message) and the files that were finished.

Exit codes:
  0 done   1 it could not be done   2 wrong usage   130 stopped with Ctrl-C   143 terminated`;

/** The command line: what there is to ask for, and `draw` to do it. */
export function createProgram(draw: Draw, models: ModelsActions): Command {
  // what follows a command is its own, `--json` too
  const program = describe(new Command("latentkit").enablePositionalOptions());
  program.action((prompt: string, flags: Flags) => draw(prompt, flags, { kind: "draw" }));
  addImageCommands(program, draw);
  addModelsCommand(program, models);
  return program;
}

function describe(program: Command): Command {
  const described = program.description("Draws a picture from a text.").argument("<prompt>", "what to draw, in quotes");
  return (
    addDrawingOptions(described)
      .version(version, "-V, --version", "tell the version")
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
