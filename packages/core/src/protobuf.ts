import { PbfReader, PbfWriter } from "pbf";

/** A field of a message, as it lies in the message's bytes. */
export interface Field {
  readonly tag: number;
  /** The whole field: key, length and content. */
  readonly bytes: Uint8Array;
  /** What a text, bytes or message holds; empty for other kinds. */
  readonly content: Uint8Array;
}

const DELIMITED = 2;

/**
 * The bytes one after another.
 *
 * @example
 * ```ts
 * join([Uint8Array.of(1), Uint8Array.of(2, 3)]); // Uint8Array [1, 2, 3]
 * ```
 */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * A field that holds an integer, exact below 2⁵³ either way.
 *
 * @example
 * ```ts
 * number(1, 150); // Uint8Array [8, 150, 1]
 * ```
 */
export function number(tag: number, value: number): Uint8Array {
  return written((writer) => writer.writeVarintField(tag, value));
}

/**
 * A field that holds a float32.
 *
 * @example
 * ```ts
 * float(2, 1); // Uint8Array [21, 0, 0, 128, 63]
 * ```
 */
export function float(tag: number, value: number): Uint8Array {
  return written((writer) => writer.writeFloatField(tag, value));
}

/**
 * A field that holds bytes, or a message of fields.
 *
 * @example
 * ```ts
 * delimited(3, number(1, 150)); // Uint8Array [26, 3, 8, 150, 1]
 * ```
 */
export function delimited(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = written((writer) => {
    writer.writeTag(tag, DELIMITED);
    writer.writeVarint(length);
  });
  return join([head, ...parts]);
}

/**
 * A field that holds a text.
 *
 * @example
 * ```ts
 * text(2, "hi"); // Uint8Array [18, 2, 104, 105]
 * ```
 */
export function text(tag: number, value: string): Uint8Array {
  return written((writer) => writer.writeStringField(tag, value));
}

/**
 * The fields of a message, in their order.
 *
 * @throws RangeError where the bytes are no message.
 * @example
 * ```ts
 * [...fieldsOf(text(2, "hi"))].map(({ tag }) => tag); // [2]
 * ```
 */
export function* fieldsOf(message: Uint8Array): Generator<Field, void, undefined> {
  const reader = new PbfReader(message);
  while (reader.pos < message.length) {
    const start = reader.pos;
    const field = nextField(reader);
    if (!field || reader.pos > message.length) throw new RangeError(`byte ${start} begins no field of a message`);
    yield { ...field, bytes: message.subarray(start, reader.pos) };
  }
}

/** Undefined where the reader, which throws of its own, finds none. */
function nextField(reader: PbfReader): Omit<Field, "bytes"> | undefined {
  try {
    const key = reader.readVarint();
    const tag = Math.floor(key / 8);
    if (key % 8 === DELIMITED) return { tag, content: reader.readBytes() };
    reader.skip(key % 8);
    return { tag, content: new Uint8Array() };
  } catch {
    return undefined;
  }
}

// graphs have fields by the hundred thousand: making a writer for each takes longer than writing
const shared = new PbfWriter(new Uint8Array(256));

function written(write: (writer: PbfWriter) => void): Uint8Array {
  shared.pos = 0;
  write(shared);
  return shared.buf.slice(0, shared.pos);
}
