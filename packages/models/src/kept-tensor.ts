import { remoteTensor, type Tensor } from "@latentkit/core";
import type { KeptValue, Value } from "@latentkit/runtime";
import { floatResult } from "./value-types.js";

/** Where a tensor's values are: one of equal parts of a kept value, along the batch. */
export interface KeptPart {
  readonly kept: KeptValue;
  readonly part: number;
  readonly parts: number;
}

const places = new WeakMap<object, KeptPart>();

/** A kept value as tensors, split into equal parts along its batch. */
export function keptTensors(kept: KeptValue, parts = 1): readonly Tensor[] {
  const [batch = 0, ...rest] = kept.shape;
  const shape = [batch / parts, ...rest];
  return Array.from({ length: parts }, (_, part) => {
    const value = remoteTensor(shape, async () => {
      const { data } = floatResult(await kept.read(), "a kept value");
      const size = data.length / parts;
      return parts === 1 ? data : data.slice(part * size, (part + 1) * size);
    });
    places.set(value, { kept, part, parts });
    return value;
  });
}

/** Where a tensor is kept; undefined for one that is here, or is a sum. */
export function keptPart(value: Tensor | Value): KeptPart | undefined {
  return places.get(value);
}

/** The same tensor as equal parts along its batch. */
export function splitKept(value: Tensor, parts: number): readonly Tensor[] {
  return parts === 1 ? [value] : keptTensors(keptWhole(value), parts);
}

/** A tensor as a session of its device is fed it. @throws TypeError for a sum that was not computed, and for a part. */
export function keptWhole(value: Tensor | Value): KeptValue {
  const place = places.get(value);
  if (place?.parts === 1) return place.kept;
  throw new TypeError("a tensor on another device: expected one that was computed there, as a whole");
}
