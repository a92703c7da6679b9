import type { Output } from "./output.js";

/** For programs: one JSON object on stdout, at the end, also after a failure. */
export function jsonOutput(stdout: NodeJS.WritableStream): Output {
  const files: string[] = [];
  const print = (value: object) => void stdout.write(`${JSON.stringify(value)}\n`);
  return {
    saved: (file) => void files.push(file),
    done: print,
    failed: ({ code, message }) => print({ error: { code, message }, files }),
  };
}
