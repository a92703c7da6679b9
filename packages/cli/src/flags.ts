import type { Device, Quality } from "latentkit";
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
  /** A choice of sampler and steps; what is said beside it stands. */
  readonly quality?: Quality;
  /** Of how many network calls one is whole. */
  readonly deepCache?: number;
  readonly device: Device;
  /** Whether networks are kept as they were optimised. */
  readonly graphCache?: boolean;
  readonly count: number;
  readonly json?: boolean;
}
