import { CommanderError } from "commander";
import { LatentKitError } from "latentkit";
import { Interruption } from "./interruptible.js";

/** Why there is no result. */
export interface Failure {
  /** A `LatentKitErrorCode`, `"usage"`, `"interrupted"` or `"unexpected"`. */
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/** What the library calls the things that flags set. */
const flagOf: Readonly<Record<string, string>> = {
  numInferenceSteps: "--steps",
  guidanceScale: "--guidance",
  quality: "--quality",
  deepCache: "--deep-cache",
  width: "--size",
  height: "--size",
  seed: "--seed",
  image: "--image",
  maskImage: "--mask",
  strength: "--strength",
  paddingMaskCrop: "--padding-mask-crop",
  scale: "--scale",
  noiseLevel: "--noise-level",
  controlImage: "--image",
  controlnet: "--controlnet",
  adapter: "--adapter",
  controlnetConditioningScale: "--scale",
  adapterConditioningScale: "--scale",
  controlGuidanceStart: "--start",
  controlGuidanceEnd: "--end",
  guessMode: "--guess",
  adapterConditioningFactor: "--end",
  device: "--device",
  source: "--model",
  model: "model",
  revision: "--revision",
  cacheDir: "--cache-dir",
};

/** What to tell about an error; nothing about `--help` and `--version`, which commander throws as well. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof CommanderError) return commandFailure(error);
  if (error instanceof Interruption) {
    return { code: "interrupted", message: error.message, exitCode: error.exitCode };
  }
  if (LatentKitError.isInstance(error)) return { code: error.code, message: error.message, exitCode: 1 };
  const mistake = mistakeOf(error);
  if (mistake !== undefined) return usage(mistake);
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "unexpected", message, exitCode: 1 };
}

function commandFailure({ exitCode, code, message }: CommanderError): Failure | undefined {
  if (exitCode === 0) return undefined;
  return usage(code === "commander.help" ? "a command is missing" : message);
}

function usage(message: string): Failure {
  return { code: "usage", message: message.replace(/^error: /, ""), exitCode: 2 };
}

/** The message of a caller's mistake that a flag can mend. */
function mistakeOf(error: unknown): string | undefined {
  if (!(error instanceof TypeError || error instanceof RangeError)) return undefined;
  const name = /^\w+(?=: )/.exec(error.message)?.[0] ?? "";
  return Object.hasOwn(flagOf, name) ? `${flagOf[name]}${error.message.slice(name.length)}` : undefined;
}
