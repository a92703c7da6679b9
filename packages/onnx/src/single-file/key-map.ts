import type { CheckpointTensor } from "../safetensors.js";

/** One line of a key map: a pattern in the original name, and what stands in its place in Diffusers'. */
export type KeyRule = readonly [pattern: RegExp, name: string | ((index: number) => string)];

/**
 * What a tensor of the original layout becomes under Diffusers' names: one tensor or several; none when it is known to
 * carry nothing; undefined when the layout has no place for it.
 */
export type KeyMap = (name: string, tensor: CheckpointTensor) => readonly CheckpointTensor[] | undefined;

/** The name after the first line that fits, or undefined when none does. */
export function rename(name: string, table: readonly KeyRule[]): string | undefined {
  const rule = table.find(([pattern]) => pattern.test(name));
  if (!rule) return undefined;
  const [pattern, to] = rule;
  return typeof to === "string"
    ? name.replace(pattern, to)
    : name.replace(pattern, (_, index: string) => to(Number(index)));
}

/** Renames by two tables: where the module lies, then what its layers are called. */
export function renaming(modules: readonly KeyRule[], layers: readonly KeyRule[] = []): KeyMap {
  return (name, tensor) => {
    const moved = rename(name, modules);
    return moved === undefined ? undefined : [{ ...tensor, name: rename(moved, layers) ?? moved }];
  };
}

/** Leaves out the tensors that are known to carry nothing. */
export function without(idle: RegExp, map: KeyMap): KeyMap {
  return (name, tensor) => (idle.test(name) ? [] : map(name, tensor));
}

/** For files that have Diffusers' names already. */
export const sameNames: KeyMap = (name, tensor) => [{ ...tensor, name }];
