import { type ChildProcess, spawn } from "node:child_process";
import { installed } from "./installed-packages.js";

/** What a command left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = `${installed}/node_modules/@latentkit/cli/dist/bin.js`;

/** Runs the command, as it is installed, in a process of its own. */
export function runCommand(
  args: readonly string[],
  cwd: string,
  onStderr?: (text: string, child: ChildProcess) => void,
  onStart?: (child: ChildProcess) => void,
): Promise<Outcome> {
  const child = spawn(process.execPath, [bin, ...args], { cwd });
  onStart?.(child);
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    texts.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    texts.stderr += text;
    onStderr?.(texts.stderr, child);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}
