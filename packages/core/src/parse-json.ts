import { LatentKitError } from "./errors.js";

/** Where and why a text is not JSON. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** Index of the first character that does not belong there. */
  readonly position: number;

  constructor(reason: string, position: number) {
    super(reason);
    this.position = position;
  }
}

const constants: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

const space = /[ \t\n\r]*/y;
const constant = /-?Infinity|NaN/y;
const quoted = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const scalar = /[-+.\w]+/y;

/** Deeper than any configuration, shallower than the stack. */
const maxDepth = 500;

/**
 * Reads JSON (RFC 8259), and the bare words `NaN`, `Infinity` and `-Infinity` that Python's `json` writes.
 *
 * @throws JsonError with the position.
 */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    // either such a word or a mistake, whose place the platform does not tell in any certain way
    return parsePythonJson(source);
  }
}

/**
 * The same, of a file.
 *
 * @throws LatentKitError `"invalid-checkpoint"` with line and column.
 */
export function parseJsonFile(source: string, name: string): unknown {
  try {
    return parseJson(source);
  } catch (cause) {
    const reason = cause instanceof JsonError ? `${place(source, cause.position)}: ${cause.message}` : String(cause);
    const message = `${name} is not valid JSON: ${reason}; download it again`;
    throw new LatentKitError("invalid-checkpoint", message, { cause });
  }
}

function place(text: string, position: number): string {
  const lines = text.slice(0, position).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

function parsePythonJson(source: string): unknown {
  let at = 0;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const next = (symbol: string): boolean => {
    take(space);
    if (source[at] !== symbol) return false;
    at++;
    return true;
  };
  const fail = (expected: string): never => {
    const found = at < source.length ? `"${String.fromCodePoint(source.codePointAt(at)!)}"` : "the end";
    throw new JsonError(`expected ${expected}, found ${found}`, at);
  };
  const atom = (pattern: RegExp, expected: string): unknown => {
    const start = at;
    try {
      return JSON.parse(take(pattern) ?? fail(expected));
    } catch {
      at = start;
      return fail(expected);
    }
  };

  /** Everything up to `close`, with commas between. */
  const list = <Item>(close: string, item: () => Item): Item[] => {
    const items: Item[] = [];
    if (next(close)) return items;
    do items.push(item());
    while (next(","));
    return next(close) ? items : fail(`"," or "${close}"`);
  };
  const entry = (depth: number) => (): readonly [string, unknown] => {
    take(space);
    const key = atom(quoted, "a key in double quotes");
    return next(":") ? [String(key), value(depth)] : fail('":"');
  };
  const value = (depth: number): unknown => {
    if (depth > maxDepth) throw new JsonError(`nested more than ${maxDepth} levels deep`, at);
    if (next("{")) return Object.fromEntries(list("}", entry(depth + 1)));
    if (next("[")) return list("]", () => value(depth + 1));
    if (source[at] === '"') return atom(quoted, "a string without control characters and unknown escapes");
    const word = take(constant);
    return word === undefined ? atom(scalar, "a value") : constants[word];
  };

  const whole = value(0);
  take(space);
  return at === source.length ? whole : fail("the end");
}
