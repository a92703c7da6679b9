import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What a command left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const bin = fileURLToPath(new URL("bin.ts", import.meta.url));
// found from here, so that commands can run in any folder
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Runs the command from its sources in a process of its own. */
export function runCommand(
  args: readonly string[],
  cwd: string,
  onStderr?: (text: string, child: ChildProcess) => void,
  onStart?: (child: ChildProcess) => void,
): Promise<Outcome> {
  const child = spawn(process.execPath, ["--conditions=@latentkit/source", "--import", loader, bin, ...args], { cwd });
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
