import type { Device } from "latentkit";
import type { SchedulerChoice } from "./scheduler-names.js";
import type { Size } from "./size.js";

/** The options of the command, parsed. */
export interface Flags {
  readonly output?: string;
  readonly model?: string;
  readonly negative?: string;
  /** Those that suit the model when left out. */
  readonly steps?: number;
  readonly guidance?: number;
  readonly size?: Size;
  readonly seed?: number;
  readonly scheduler?: SchedulerChoice;
  readonly device: Device;
  readonly count: number;
  readonly json?: boolean;
}
