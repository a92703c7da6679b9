import { delimited, float, number, text } from "@latentkit/core/protobuf";

/** A node's attribute: integers are plain numbers, floats are marked so that `1` can be either. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

/** Kinds of attributes, as ONNX numbers them. */
const kinds = { float: 1, integer: 2, text: 3, integers: 7 };

/** The attribute as field `tag` of a node, an `AttributeProto` of onnx.proto. @throws RangeError for an unmarked fraction. */
export function attributeField(tag: number, name: string, value: Attribute): Uint8Array {
  const field = (kind: keyof typeof kinds, ...content: readonly Uint8Array[]) =>
    delimited(tag, text(1, name), ...content, number(20, kinds[kind]));
  if (typeof value === "number") return field("integer", number(3, integer(value)));
  if (typeof value === "string") return field("text", text(4, value));
  if ("float" in value) return field("float", float(2, value.float));
  return field("integers", ...value.map((item) => number(8, integer(item))));
}

function integer(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`attribute: expected an integer, got ${value}`);
}
