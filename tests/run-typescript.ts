import { spawn } from "node:child_process";
import { compiledProgram } from "./installed-packages.js";

/** What a program left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a TypeScript program in a folder, with the packages as their users install them. */
export async function runTypeScript(
  folder: string,
  program: string,
  ...parameters: readonly string[]
): Promise<Finished> {
  const child = spawn(process.execPath, [await compiledProgram(program), ...parameters], {
    cwd: folder,
    // a child that inherits vitest's NODE_OPTIONS and the like would not run as a user's does
    env: { PATH: process.env.PATH, OMP_NUM_THREADS: process.env.OMP_NUM_THREADS },
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...output }));
  });
}
