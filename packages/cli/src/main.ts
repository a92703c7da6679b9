import type { Draw } from "./drawing-options.js";
import { failureOf } from "./failure.js";
import { generate } from "./generate-command.js";
import { jsonOutput } from "./json-output.js";
import { listModels, pullModel, removeModels, tellModel } from "./models-commands.js";
import { createProgram } from "./program.js";
import { textOutput } from "./text-output.js";

const models = { list: listModels, pull: pullModel, rm: removeModels, info: tellModel };

/** Runs the command with its arguments and gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const output = args.includes("--json") ? jsonOutput(process.stdout) : textOutput(process.stdout, process.stderr);
  try {
    const draw: Draw = (prompt, flags, task) => generate(prompt, flags, task, output);
    await createProgram(draw, models).parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    const failure = failureOf(error);
    if (failure) output.failed(failure);
    return failure?.exitCode ?? 0;
  }
}
