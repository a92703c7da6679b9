import { describe, expect, it } from "vitest";
import { delimited, fieldsOf, float, join, number, text } from "./protobuf.js";

describe("fields", () => {
  // from protobuf.dev/programming-guides/encoding: 150, -2 and "testing"
  it.each([
    ["150", number(1, 150), [0x08, 0x96, 0x01]],
    ["-2", number(1, -2), [0x08, 0xfe, ...Array(8).fill(0xff), 0x01]],
    ["2⁵³ - 1", number(2, Number.MAX_SAFE_INTEGER), [0x10, ...Array(7).fill(0xff), 0x0f]],
    ["1 as a float32", float(2, 1), [0x15, 0, 0, 0x80, 0x3f]],
    ['"testing"', text(2, "testing"), [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]],
    ["a message", delimited(3, number(1, 150)), [0x1a, 0x03, 0x08, 0x96, 0x01]],
    ["a high number", number(20, 1), [0xa0, 0x01, 0x01]],
  ])("hold %s", (_, bytes, expected) => expect([...bytes]).toEqual(expected));

  it("are read as they were written", () => {
    const message = join([number(1, -1), float(2, 0.5), text(300, "ü"), delimited(4)]);
    const fields = [...fieldsOf(message)];
    expect(fields.map(({ tag }) => tag)).toEqual([1, 2, 300, 4]);
    expect(join(fields.map(({ bytes }) => bytes))).toEqual(message);
    expect(new TextDecoder().decode(fields[2]?.content)).toBe("ü");
  });

  it.each([[[0x80]], [[0x0b]], [[0x0a, 5, 1]]])("are not made of %j", (bytes) => {
    expect(() => [...fieldsOf(Uint8Array.from(bytes))]).toThrow(RangeError);
  });
});
