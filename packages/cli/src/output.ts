import type { Warning } from "latentkit";
import type { Failure } from "./failure.js";

/** What the command did. */
export interface Report {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** The seed of the first picture; each further one has the next. */
  readonly seed: number;
  readonly model: string;
  /** `"768x512"`, width first. */
  readonly size: string;
  readonly steps: number;
  /** The Diffusers class. */
  readonly scheduler: string;
  /** From beginning to end, opening the model included. */
  readonly seconds: number;
  readonly warnings: readonly Warning[];
}

/** Where results go, for people or for programs. */
export interface Output {
  /** A picture is finished. */
  saved(file: string): void;
  /** @param chosen whether the user gave the seed. */
  done(report: Report, chosen: boolean): void;
  failed(failure: Failure): void;
}
