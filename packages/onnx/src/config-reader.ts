import { isRecord, LatentKitError } from "@latentkit/core";

/**
 * Reads a checkpoint's configuration key by key. A key that is missing or null takes its default;
 * a value of another kind, or one that is not supported, is an error that names the file, the key and what is accepted.
 */
export class ConfigReader {
  readonly #json: Readonly<Record<string, unknown>>;
  readonly #file: string;

  constructor(json: unknown, file: string) {
    if (!isRecord(json)) throw new LatentKitError("invalid-checkpoint", `${file}: expected a JSON object`);
    this.#json = json;
    this.#file = file;
  }

  /** A positive integer. */
  count(key: string, fallback?: number): number {
    return this.#typed(key, fallback, "a positive integer", isCount);
  }

  number(key: string, fallback?: number): number {
    return this.#typed(key, fallback, "a number", (value) => typeof value === "number" && Number.isFinite(value));
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.#typed(key, fallback, "true or false", (value) => typeof value === "boolean");
  }

  counts(key: string, fallback: readonly number[]): readonly number[] {
    return this.#typed(
      key,
      fallback,
      "a list of positive integers",
      (value) => Array.isArray(value) && value.length > 0 && value.every(isCount),
    );
  }

  /** A positive integer, or nothing. */
  optionalCount(key: string): number | undefined {
    return this.isSet(key) ? this.count(key) : undefined;
  }

  /** Whether the file has a value there. */
  isSet(key: string): boolean {
    return this.#json[key] != null;
  }

  /** Whether the file says null, which to some keys is a value of its own. */
  isNull(key: string): boolean {
    return this.#json[key] === null;
  }

  /** One value for every block: the file gives one, or a list of them. */
  perBlock<T extends number | boolean>(key: string, fallback: T, blocks: number): readonly T[] {
    const value = this.#json[key] ?? fallback;
    const list: unknown[] = Array.isArray(value) ? value : new Array(blocks).fill(value);
    const valid = list.every(
      (item): item is T => typeof item === typeof fallback && (typeof item !== "number" || isCount(item)),
    );
    if (list.length !== blocks || !valid)
      throw this.#unsupported(key, value, `a ${typeof fallback} or a list of ${blocks}`);
    return list;
  }

  /** A positive integer that is the same for every block, if the file lists it for each. */
  uniform(key: string, fallback: number, blocks: number): number {
    const [first = fallback, ...others] = this.perBlock(key, fallback, blocks);
    if (others.some((other) => other !== first))
      throw this.#unsupported(key, this.#json[key], "one value for all blocks");
    return first;
  }

  /** One of the keys of `choices`. */
  oneOf<T>(key: string, choices: Readonly<Record<string, T>>, fallback?: string): T {
    return this.#choose(key, this.#json[key] ?? fallback, choices);
  }

  /** A list whose items are keys of `choices`. */
  eachOneOf<T>(key: string, choices: Readonly<Record<string, T>>, fallback: readonly string[]): readonly T[] {
    const value = this.#json[key] ?? fallback;
    if (!Array.isArray(value) || value.length === 0)
      throw this.#unsupported(key, value, `a list of ${Object.keys(choices).join(", ")}`);
    return value.map((item, i) => this.#choose(`${key}[${i}]`, item, choices));
  }

  /** Refuses any value but these: for features that would change the picture if they were ignored. */
  only(key: string, ...accepted: readonly unknown[]): void {
    const value = this.#json[key] ?? null;
    if (value !== null && !accepted.includes(value))
      throw this.#unsupported(key, value, accepted.length === 0 ? "null" : accepted.map(String).join(", "));
  }

  /** Refuses the file when two of its lists should be of one length and are not. */
  sameLength(key: string, list: readonly unknown[], length: number): void {
    if (list.length !== length) throw this.#unsupported(key, this.#json[key], `a list of ${length}`);
  }

  #choose<T>(key: string, value: unknown, choices: Readonly<Record<string, T>>): T {
    const choice = typeof value === "string" && Object.hasOwn(choices, value) ? choices[value] : undefined;
    if (choice === undefined) throw this.#unsupported(key, value, Object.keys(choices).join(", "));
    return choice;
  }

  #typed<T>(key: string, fallback: T | undefined, expected: string, valid: (value: unknown) => boolean): T {
    const value = this.#json[key] ?? fallback;
    if (!valid(value))
      throw new LatentKitError("invalid-checkpoint", `${this.#file}: ${key} is ${shown(value)}; expected ${expected}`);
    return value as T;
  }

  #unsupported(key: string, value: unknown, supported: string): LatentKitError {
    return new LatentKitError("unsupported-model", `${this.#file}: ${key} is ${shown(value)}; supported: ${supported}`);
  }
}

const shown = (value: unknown): string => JSON.stringify(value) ?? "missing";

const isCount = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value) && value > 0;
