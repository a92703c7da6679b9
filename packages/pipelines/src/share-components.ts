import type { ComponentTable } from "./load-components.js";

/**
 * The parts that a table names, out of another pipeline's.
 *
 * @throws TypeError when one is missing that the pipeline cannot do without.
 */
export function shareComponents<Components extends object>(
  pipeline: string,
  table: ComponentTable<Components>,
  from: object,
): Components {
  const given = new Map<string, unknown>(Object.entries(from));
  const shared = Object.entries<{ readonly isOptional?: boolean }>(table).flatMap(([name, { isOptional }]) => {
    const part = given.get(name);
    if (part === undefined && !isOptional) {
      throw new TypeError(
        `pipe: ${pipeline} needs ${name}, which the pipeline does not have; give it in the second argument`,
      );
    }
    return part === undefined ? [] : [[name, part]];
  });
  return Object.fromEntries(shared) as Components;
}
