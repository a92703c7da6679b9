import { create } from "@bufbuild/protobuf";
import { type AttributeProto, AttributeProtoSchema } from "./onnx_pb.js";

/** A node's attribute: integers are plain numbers, floats are marked so that `1` can be either. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

/** The attribute as ONNX writes it. */
export function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) });
}
