import type { Output } from "./output.js";

/** For people: paths on stdout as the pictures come, everything else on stderr. */
export function textOutput(stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream): Output {
  return {
    saved: (file) => void stdout.write(`${file}\n`),
    done({ seed }, chosen) {
      if (!chosen) stderr.write(`seed ${seed} (--seed ${seed} draws it again)\n`);
    },
    failed({ code, message }) {
      stderr.write(`error: ${message}\n`);
      if (code === "usage") stderr.write("latentkit --help shows what there is.\n");
    },
  };
}
