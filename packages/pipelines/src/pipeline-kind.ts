import type { ComponentTable } from "./load-components.js";
import type { PipelineComponents } from "./pipeline.js";
import type { PreparedRun } from "./run.js";
import type { RunOptions } from "./run-options.js";

/** What makes one kind of pipeline different from the others. */
export interface PipelineKind<Components extends PipelineComponents, Options extends RunOptions> {
  /** The Diffusers class it equals. */
  readonly name: string;
  /** Where each part is in a checkpoint. */
  readonly components: ComponentTable<Components>;
  /** @throws LatentKitError `"unsupported-model"` when the parts do not go together, or are another pipeline's. */
  check(components: Components): void;
  /**
   * Settles a run; a promise of it where an option asks for something that has to be loaded first.
   *
   * @throws TypeError or RangeError for options that are wrong; computes nothing.
   */
  prepare(components: Components, options: Options): PreparedRun | Promise<PreparedRun>;
}
