import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { installed } from "./installed-packages.js";

type Environment = Readonly<Record<string, string>>;

const parameters = (program: string) => ["--input-type=module", "--eval", program];
const settings = (env: Environment) => ({ cwd: installed, env: { ...process.env, ...env } });

/** Starts a process that runs a module, given by its text, with the packages as their users install them. */
export function startModule(program: string, env: Environment = {}): ChildProcess {
  return spawn(process.execPath, parameters(program), settings(env));
}

/** Runs such a module to its end. @throws what `execFile` throws when it fails. */
export function runModule(program: string, env: Environment = {}): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, parameters(program), settings(env));
}
