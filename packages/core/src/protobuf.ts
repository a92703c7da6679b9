// The protobuf wire format (https://protobuf.dev/programming-guides/encoding), as far as ONNX models need it. A library for
// it would be a third of what a page loads.

/** A field of a message, as it lies in the message's bytes. */
export interface Field {
  readonly tag: number;
  /** The whole field: key, length and content. */
  readonly bytes: Uint8Array;
  /** What a text, bytes or message holds; empty for other kinds. */
  readonly content: Uint8Array;
}

const VARINT = 0;
const DELIMITED = 2;
const FIXED_32 = 5;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

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
  return Uint8Array.from([...varint(tag * 8 + VARINT), ...(value < 0 ? negative(value) : varint(value))]);
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
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return join([Uint8Array.from(varint(tag * 8 + FIXED_32)), new Uint8Array(bytes.buffer)]);
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
  return join([Uint8Array.from([...varint(tag * 8 + DELIMITED), ...varint(length)]), ...parts]);
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
  return delimited(tag, new TextEncoder().encode(value));
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
  for (let start = 0; start < message.length; ) {
    const [key, afterKey] = readVarint(message, start);
    const kind = key % 8;
    const [value, begin] = kind === VARINT || kind === DELIMITED ? readVarint(message, afterKey) : [0, afterKey];
    const length = kind === DELIMITED ? value : kind === VARINT ? 0 : FIXED_BYTES[kind];
    if (length === undefined || begin + length > message.length)
      throw new RangeError(`byte ${start} begins no field of a message`);
    const end = begin + length;
    const content = message.subarray(begin, kind === DELIMITED ? end : begin);
    yield { tag: Math.floor(key / 8), bytes: message.subarray(start, end), content };
    start = end;
  }
}

/** Ten bytes: the number's two's complement in 64 bits. */
function negative(value: number): number[] {
  const bits = BigInt.asUintN(64, BigInt(value));
  return Array.from({ length: 10 }, (_, i) => Number((bits >> BigInt(7 * i)) & 0x7fn) + (i < 9 ? 128 : 0));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** A number, exact below 2⁵³, and the place after it. */
function readVarint(bytes: Uint8Array, start: number): readonly [value: number, end: number] {
  let value = 0;
  for (let at = start; at < bytes.length; at++) {
    value += (bytes[at]! & 0x7f) * 2 ** (7 * (at - start));
    if (bytes[at]! < 0x80) return [value, at + 1];
  }
  throw new RangeError(`byte ${start} begins no number`);
}
