import { editDistance } from "./edit-distance.js";
import { type LevelSpacing, levelSpacings, missingSpacings, wholeRange, withoutFormula } from "./level-spacings.js";
import { missingSamplers, type Sampler, samplers } from "./sampler-table.js";
import type { SchedulerConfig } from "./scheduler.js";
import { type SchedulerName, schedulerClasses } from "./scheduler-from-config.js";

/** A sampler by a name that users of other programs know. */
export interface NamedScheduler {
  /** As stable-diffusion-webui writes it: "DPM++ 2M Karras". */
  readonly name: string;
  /** As ComfyUI and others write it: "dpmpp_2m karras". */
  readonly aliases: readonly string[];
  readonly className: SchedulerName;
  /** What the name changes in a checkpoint's configuration, in its snake_case. */
  readonly settings: SchedulerConfig;
}

/**
 * The samplers that `schedulerByName` knows, each alone and with every way of spacing levels that its class has
 * options for. Beyond these it knows "Automatic" after a sampler, and the names of the classes.
 *
 * @example
 * ```ts
 * const choices = schedulerNames.map(({ name }) => name); // ["Euler", "Euler Karras", …]
 * ```
 */
export const schedulerNames: readonly NamedScheduler[] = samplers.flatMap((sampler) => [
  named(sampler),
  ...spacingsOf(sampler).map((spacing) => named(sampler, spacing)),
]);

/**
 * Finds a sampler by the name that stable-diffusion-webui, ComfyUI or Diffusers give it. Case, spaces and punctuation
 * do not matter: "DPM++ 2M Karras", "dpmpp_2m karras", "k_dpmpp_2m_ka" and "dpmpp-2m-karras" are one.
 *
 * @throws TypeError unless a string; RangeError naming the nearest for an unknown name, or why a known one is missing.
 * @example
 * ```ts
 * const { className } = namedScheduler("Euler a"); // "EulerAncestralDiscreteScheduler"
 * ```
 */
export function namedScheduler(name: string): NamedScheduler {
  if (typeof name !== "string") throw new TypeError(`name: expected a sampler's name, got ${typeof name}`);
  const key = keyOf(name);
  const found = byKey().get(key) ?? automatic(key);
  if (found) return found;
  const reason = missingSampler(key) ?? missingSpacing(key) ?? notSpaced(key);
  return (reason === undefined ? classNamed(key) : undefined) ?? refuse(name, key, reason ?? "it is unknown");
}

/** What a name's letters and digits are, without marks that only some programs write. */
function keyOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll("++", "pp")
    .replace(/^k[^a-z0-9]/, "")
    .replace(/[^a-z0-9]/g, "");
}

function named({ name, aliases, className, spacings, settings }: Sampler, spacing?: LevelSpacing): NamedScheduler {
  const reset = spacings === "all" || spacings === "formulas" ? withoutFormula : {};
  if (!spacing) return { name, aliases, className, settings: { ...reset, ...settings } };
  const range = spacing.kind === "formulas" && spacings === "all" ? wholeRange : {};
  return {
    name: `${name} ${spacing.name}`,
    aliases: [name, ...aliases].flatMap((sampler) => spacing.aliases.map((alias) => `${sampler} ${alias}`)),
    className,
    settings: { ...reset, ...settings, ...range, ...spacing.settings },
  };
}

function spacingsOf({ spacings }: Sampler): readonly LevelSpacing[] {
  return levelSpacings.filter(({ kind }) => spacings === "all" || spacings === kind);
}

function byKey(): ReadonlyMap<string, NamedScheduler> {
  return new Map(schedulerNames.flatMap((one) => [one.name, ...one.aliases].map((name) => [keyOf(name), one])));
}

/** "DPM++ 2M Automatic": the sampler with the spacing that stable-diffusion-webui chooses for it. */
function automatic(key: string): NamedScheduler | undefined {
  const sampler = samplers.find(({ name, aliases }) =>
    [name, ...aliases].some((alias) => key === `${keyOf(alias)}automatic`),
  );
  return (
    sampler &&
    named(
      sampler,
      levelSpacings.find(({ name }) => name === sampler.automatic),
    )
  );
}

/** A class by its name, in any case and with or without "Scheduler" and "Discrete"; as the checkpoint configures it. */
function classNamed(key: string): NamedScheduler | undefined {
  const short = (name: string) =>
    keyOf(name)
      .replace(/scheduler$/, "")
      .replace(/discrete$/, "");
  const className = classNames().find((name) => short(name) === short(key));
  return className && { name: className, aliases: [], className, settings: {} };
}

function classNames(): readonly SchedulerName[] {
  return Object.keys(schedulerClasses).filter((name): name is SchedulerName => Object.hasOwn(schedulerClasses, name));
}

function refuse(name: string, key: string, reason: string): never {
  const all = [...schedulerNames.map((one) => one.name), ...classNames()];
  const nearest = all
    .map((candidate) => ({ candidate, distance: editDistance(key, keyOf(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => `"${candidate}"`);
  throw new RangeError(
    `name: expected a sampler of schedulerNames, got ${JSON.stringify(name)}: ${reason}; the nearest are ${nearest.join(", ")}`,
  );
}

function missingSampler(key: string): string | undefined {
  const endings = ["", "automatic", ...levelSpacings.flatMap(({ aliases }) => aliases.map(keyOf))];
  const found = Object.entries(missingSamplers).find(([name]) => endings.some((end) => key === keyOf(name) + end));
  return found && `"${found[0]}" is missing: ${found[1]}`;
}

function missingSpacing(key: string): string | undefined {
  const found = Object.entries(missingSpacings).find(([name]) => key.endsWith(keyOf(name)));
  return found && `"${found[0]}" is missing: ${found[1]}`;
}

/** Known sampler, known spacing, but not together. */
function notSpaced(key: string): string | undefined {
  const spacings = levelSpacings.flatMap(({ aliases }) => aliases.map(keyOf));
  const sampler = samplers.find(({ name, aliases }) =>
    [name, ...aliases].some((alias) => spacings.some((spacing) => key === keyOf(alias) + spacing)),
  );
  return sampler && `${sampler.className} has no option for this spacing of levels`;
}
