import { checkKnown } from "./option-fields.js";
import type { PlanOptions } from "./scheduler.js";

/** A run as asked for, checked. */
export interface PlanRequest {
  /** Levels to visit before `strength` shortens the run. */
  readonly count: number;
  readonly timesteps?: readonly number[];
  readonly sigmas?: readonly number[];
  readonly strength: number;
  /** Whether steps look for NaN and infinity in what the network returns. */
  readonly checkFinite: boolean;
}

/** What a class can be asked for. */
export interface PlanLimits {
  readonly name: string;
  readonly numTrainTimesteps: number;
  /** Lists it takes instead of a count. @default none */
  readonly lists?: readonly ("timesteps" | "sigmas")[];
  /** The option that already chooses the levels, when one does: lists of timesteps do not go with it. */
  readonly chosenBy?: string | undefined;
  /** Lists of σ may end above 0. @default false */
  readonly endsAboveZero?: boolean;
  /** Flow matching: timesteps up to numTrainTimesteps, σ up to 1, both without the last level, 0. @default false */
  readonly flow?: boolean;
}

const optionNames: readonly (keyof PlanOptions)[] = [
  "numInferenceSteps",
  "timesteps",
  "sigmas",
  "strength",
  "eta",
  "useClippedModelOutput",
  "sChurn",
  "sTmin",
  "sTmax",
  "sNoise",
  "order",
  "originalInferenceSteps",
  "mu",
  "checkFinite",
];

/**
 * Checks the options that all classes share.
 *
 * @throws TypeError for unknown options, for none or several of `numInferenceSteps`, `timesteps` and `sigmas`, and for
 * a list the class does not take; RangeError for values out of range.
 */
export function planRequest(options: PlanOptions, limits: PlanLimits): PlanRequest {
  checkKnown(optionNames, options, "plan");
  const { numInferenceSteps, timesteps, sigmas } = options;
  checkOneGiven(options, limits);
  const strength = numberOption("strength", options.strength ?? 1, 0, 1);
  if (strength === 0) throw new RangeError("strength: expected a number in (0, 1], got 0");
  const shared = { strength, checkFinite: booleanOption("checkFinite", options.checkFinite ?? false) };
  if (timesteps) return { ...shared, count: timesteps.length, timesteps: checkTimesteps(timesteps, limits) };
  if (sigmas && limits.flow) return { ...shared, count: sigmas.length, sigmas: checkFlow("sigmas", sigmas, 1) };
  if (sigmas) return { ...shared, count: sigmas.length - 1, sigmas: checkSigmas(sigmas, limits) };
  return { ...shared, count: stepCount("numInferenceSteps", numInferenceSteps, limits.numTrainTimesteps) };
}

/** @throws TypeError unless a number, RangeError unless within bounds. */
export function numberOption(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number") throw new TypeError(`${name}: expected a number, got ${String(value)}`);
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name}: expected a number from ${min} to ${max}, got ${value}`);
}

/** @throws TypeError unless a number, RangeError unless an integer from 1 to `max`. */
export function stepCount(name: string, value: unknown, max: number): number {
  if (typeof value !== "number") throw new TypeError(`${name}: expected a number, got ${String(value)}`);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new RangeError(`${name}: expected an integer from 1 to ${max}, got ${value}`);
}

function booleanOption(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${name}: expected true or false, got ${String(value)}`);
}

function checkOneGiven(options: PlanOptions, { name, lists = [] }: PlanLimits): void {
  const ways = ["numInferenceSteps", "timesteps", "sigmas"] as const;
  const given = ways.filter((way) => options[way] !== undefined);
  const taken = ["numInferenceSteps", ...lists].join(", ");
  const [way] = given;
  if (given.length !== 1 || !way) {
    throw new TypeError(`plan: expected one of ${taken}, got ${given.length === 0 ? "none" : given.join(" and ")}`);
  }
  if (way !== "numInferenceSteps" && !lists.includes(way)) throw new TypeError(`${way}: ${name} takes ${taken} only`);
}

function checkTimesteps(timesteps: readonly number[], limits: PlanLimits): readonly number[] {
  const { numTrainTimesteps, chosenBy, flow } = limits;
  if (chosenBy) throw new TypeError(`timesteps: ${chosenBy} chooses them; ask for numInferenceSteps`);
  if (flow) return checkFlow("timesteps", timesteps, numTrainTimesteps);
  const last = numTrainTimesteps - 1;
  checkDescending("timesteps", timesteps, last);
  if (timesteps.length === 0) throw new RangeError("timesteps: expected at least one, got none");
  return timesteps;
}

function checkSigmas(sigmas: readonly number[], { endsAboveZero = false }: PlanLimits): readonly number[] {
  checkDescending("sigmas", sigmas, Infinity);
  if (sigmas.length >= 2 && (endsAboveZero || sigmas.at(-1) === 0)) return sigmas;
  const end = endsAboveZero ? "" : ', the last one 0 unless finalSigmasType is "sigma_min"';
  throw new RangeError(`sigmas: expected at least two${end}, got [${sigmas.join(", ")}]`);
}

function checkFlow(name: string, values: readonly number[], max: number): readonly number[] {
  checkDescending(name, values, max);
  if (values.length > 0 && values.at(-1) !== 0) return values;
  throw new RangeError(`${name}: expected at least one above 0, without the last level, 0; got [${values.join(", ")}]`);
}

function checkDescending(name: string, values: readonly number[], max: number): void {
  if (!Array.isArray(values)) throw new TypeError(`${name}: expected a list of numbers, got ${String(values)}`);
  const good = values.every(
    (value, i) => Number.isFinite(value) && value >= 0 && value <= max && !(i > 0 && value >= values[i - 1]!),
  );
  if (!good) throw new RangeError(`${name}: expected descending numbers from 0 to ${max}, got [${values.join(", ")}]`);
}
