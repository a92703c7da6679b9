import { LatentKitError, type ModelFile } from "@latentkit/core";

/** A field of a protobuf message, by its place in the file. */
export interface ProtobufField {
  readonly number: number;
  /** Where its key begins. */
  readonly start: number;
  /** Where its content begins, after key and length. */
  readonly content: number;
  readonly end: number;
}

/** Bytes that are read at once: many nodes, and little of a tensor that is skipped. */
const WINDOW = 2 ** 16;
const LONGEST_VARINT = 10;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const VARINT = 0;
const DELIMITED = 2;

/** Reads a protobuf file piece by piece; what is skipped is never read. */
export class ProtobufFile {
  readonly file: ModelFile;
  #window: Uint8Array = new Uint8Array();
  #offset = 0;

  constructor(file: ModelFile) {
    this.file = file;
  }

  /** The bytes of a range, good until the next call. */
  async bytes(start: number, end: number): Promise<Uint8Array> {
    if (start < this.#offset || end > this.#offset + this.#window.length) {
      const length = Math.min(Math.max(end - start, WINDOW), this.file.size - start);
      this.#window = await this.file.read(start, length);
      this.#offset = start;
    }
    return this.#window.subarray(start - this.#offset, end - this.#offset);
  }

  /**
   * The fields of the message that fills a range.
   *
   * @throws LatentKitError `"invalid-checkpoint"` when the bytes are no protobuf message, or end in the middle of one.
   */
  async *fields(start: number = 0, end: number = this.file.size): AsyncGenerator<ProtobufField, undefined, undefined> {
    for (let at = start; at < end; ) {
      const field = await this.#field(at, end);
      yield field;
      at = field.end;
    }
  }

  async #field(start: number, end: number): Promise<ProtobufField> {
    const head = await this.bytes(start, Math.min(end, start + 2 * LONGEST_VARINT));
    const [key, afterKey] = this.#varint(head, 0);
    const wire = key % 8;
    const [value, afterValue] = wire === VARINT || wire === DELIMITED ? this.#varint(head, afterKey) : [0, afterKey];
    const number = Math.floor(key / 8);
    const length = wire === DELIMITED ? value : wire === VARINT ? 0 : FIXED_BYTES[wire];
    if (number === 0 || length === undefined) throw this.#broken(`byte ${start} begins no field of an ONNX model`);
    const content = start + afterValue;
    if (content + length > end) {
      const reason = end === this.file.size ? `the file has only ${end}` : `its message ends at byte ${end}`;
      throw this.#broken(`a field ends at byte ${content + length}, ${reason}`);
    }
    return { number, start, content, end: content + length };
  }

  /** A number, exact below 2⁵³, and the place after it. */
  #varint(bytes: Uint8Array, start: number): readonly [value: number, end: number] {
    let value = 0;
    for (let i = start; i < Math.min(bytes.length, start + LONGEST_VARINT); i++) {
      value += (bytes[i]! & 0x7f) * 2 ** (7 * (i - start));
      if (bytes[i]! < 0x80) return [value, i + 1];
    }
    throw this.#broken("it ends in the middle of a field");
  }

  #broken(problem: string): LatentKitError {
    return new LatentKitError("invalid-checkpoint", `${this.file.name}: ${problem}; download it again`);
  }
}
