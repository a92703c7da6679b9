import { LatentKitError } from "@latentkit/core";
import { checkKnown, type Fields, readFields, type Settings, snakeCase } from "./option-fields.js";
import type { Plan, PlanOptions, Scheduler, SchedulerClass, SchedulerConfig } from "./scheduler.js";

/** Computes runs for one configuration. */
export type Planner = (options: PlanOptions) => Plan;

/** Where a config lists the options that took their default: Diffusers does not hand those on to another class. */
const defaultedKey = "_use_default_values";

/**
 * Makes a scheduler class from its name, its options and a function that turns settings into plans.
 * `configure` throws RangeError when settings do not go together; `settle` overrides those that others decide.
 */
export function schedulerClass<Options extends object>(
  name: string,
  fields: Fields<Options>,
  configure: (settings: Settings<Options>) => Planner,
  settle: (settings: Settings<Options>) => Settings<Options> = (settings) => settings,
): SchedulerClass<Options> {
  const names = Object.keys(fields);

  class Configured implements Scheduler {
    readonly name: string = name;
    readonly config: SchedulerConfig;
    readonly plan: Planner;

    constructor(options: Partial<Options> = {}, file?: SchedulerConfig) {
      checkKnown(names, options, name);
      const settings = settle(readFields(fields, options, file ? snakeCase : (option) => option));
      this.config = Object.freeze({ ...file, ...configOf(settings, options), _class_name: name });
      this.plan = configure(settings);
      Object.freeze(this);
    }

    static fromConfig(config: SchedulerConfig): Scheduler {
      const file = handedOn(config);
      const known = names.filter((option) => snakeCase(option) in file);
      const given = known.map((option) => [option, file[snakeCase(option)]]);
      try {
        return new Configured(Object.fromEntries(given), file);
      } catch (cause) {
        if (!(cause instanceof Error)) throw cause;
        throw new LatentKitError("unsupported-model", `scheduler_config.json for ${name}: ${cause.message}`, { cause });
      }
    }
  }
  return Object.defineProperty(Configured, "name", { value: name });
}

/** What a config says on purpose. */
function handedOn(config: SchedulerConfig): SchedulerConfig {
  if (typeof config !== "object" || config === null) {
    throw new TypeError(`config: expected the object of a scheduler_config.json, got ${String(config)}`);
  }
  const { [defaultedKey]: defaulted, ...rest } = config;
  const left = new Set<unknown>(Array.isArray(defaulted) ? defaulted : []);
  return Object.fromEntries(Object.entries(rest).filter(([key]) => !left.has(key)));
}

function configOf(settings: object, given: object): SchedulerConfig {
  const asked = new Map<string, unknown>(Object.entries(given));
  const entries = Object.entries(settings).map(([name, value]) => [
    snakeCase(name),
    value === -Infinity ? "-Infinity" : value,
  ]);
  const defaulted = Object.keys(settings).filter((name) => asked.get(name) === undefined);
  return { ...Object.fromEntries(entries), [defaultedKey]: Object.freeze(defaulted.map(snakeCase)) };
}
