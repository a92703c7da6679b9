/** How one option is read: its default, what it accepts, in words, and the check itself. */
export interface Field<Value> {
  readonly initial: Value;
  readonly accepts: string;
  /** The accepted value, or undefined. */
  read(value: unknown): Value | undefined;
}

/** One field per option. */
export type Fields<Options> = { readonly [Key in keyof Options]-?: Field<Exclude<Options[Key], undefined>> };

/** Options with every default filled in. */
export type Settings<Options> = { readonly [Key in keyof Options]-?: Exclude<Options[Key], undefined> };

/** A finite number, within bounds. */
export function real(initial: number, min: number = -Infinity, max: number = Infinity): Field<number> {
  const bounds = min === -Infinity && max === Infinity ? "" : ` in [${min}, ${max}]`;
  return {
    initial,
    accepts: `a finite number${bounds}`,
    read: (value) =>
      typeof value === "number" && Number.isFinite(value) && value >= min && value <= max ? value : undefined,
  };
}

/** A finite number above 0. */
export function positive(initial: number): Field<number> {
  return {
    initial,
    accepts: "a finite number above 0",
    read: (value) => (typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined),
  };
}

/** A number or minus infinity, which strict JSON can only write as a string. */
export function realOrMinusInfinity(initial: number): Field<number> {
  return {
    initial,
    accepts: 'a number or "-Infinity"',
    read: (value) => {
      if (value === "-Infinity" || value === "-inf") return -Infinity;
      return typeof value === "number" && value < Infinity ? value : undefined;
    },
  };
}

/** A whole number of at least `min`. */
export function integer(initial: number, min = 0): Field<number> {
  return {
    initial,
    accepts: `an integer of at least ${min}`,
    read: (value) => (typeof value === "number" && Number.isInteger(value) && value >= min ? value : undefined),
  };
}

/** True or false; null counts as false, as in Python. */
export function flag(initial: boolean): Field<boolean> {
  return {
    initial,
    accepts: "true or false",
    read: (value) => (typeof value === "boolean" ? value : value === null ? false : undefined),
  };
}

/** One of the listed strings; `aliases` are names that Diffusers takes for one of them. */
export function oneOf<const Value extends string>(
  initial: Value,
  values: readonly Value[],
  aliases: Readonly<Record<string, Value>> = {},
): Field<Value> {
  const known = new Map<unknown, Value>([
    ...Object.entries(aliases),
    ...values.map((value): [string, Value] => [value, value]),
  ]);
  return {
    initial,
    accepts: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    read: (value) => known.get(value),
  };
}

/** A list of numbers that all pass `item`. */
export function listOf(item: Field<number>): Field<readonly number[]> {
  return {
    initial: [],
    accepts: `a list, each ${item.accepts}`,
    read: (value) =>
      Array.isArray(value) && value.every((one) => item.read(one) !== undefined) ? [...value] : undefined,
  };
}

/** The same, or null, which is also the default. */
export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return {
    initial: null,
    accepts: `${field.accepts}, or null`,
    read: (value) => (value === null ? null : field.read(value)),
  };
}

/** `useKarrasSigmas` → `use_karras_sigmas`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const entriesOf = (fields: object): readonly [name: string, field: Field<unknown>][] => Object.entries(fields);

const shown = (value: unknown): string =>
  typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));

/**
 * Every option, as given or by default. `keyOf` is how the giver spells an option.
 *
 * @throws TypeError for a value of a wrong type, RangeError for one that is not accepted.
 */
export function readFields<Options>(
  fields: Fields<Options>,
  given: object,
  keyOf: (name: string) => string,
): Settings<Options> {
  const values = new Map<string, unknown>(Object.entries(given));
  const read = entriesOf(fields).map(([name, field]) => {
    const value = values.get(name);
    return [name, value === undefined ? field.initial : checked(field, keyOf(name), value)];
  });
  return Object.fromEntries(read);
}

function checked(field: Field<unknown>, key: string, value: unknown): unknown {
  const accepted = field.read(value);
  if (accepted !== undefined) return accepted;
  const Wrong = typeof value === typeof field.initial ? RangeError : TypeError;
  throw new Wrong(`${key}: expected ${field.accepts}, got ${shown(value)}`);
}

/** @throws TypeError when an option is none of the names. */
export function checkKnown(names: readonly string[], given: object, owner: string): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`${unknown}: not an option of ${owner}, which knows ${names.join(", ")}`);
}
