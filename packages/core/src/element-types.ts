/** Element types, as ONNX numbers them. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const;

/** The type of a value's elements in a graph. */
export type ElementType = keyof typeof elementTypes;
