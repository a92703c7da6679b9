/** The folders that a `model_index.json` lists: entries of a library and a class. */
export function modelComponents(index: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(index).flatMap(([name, value]) =>
    Array.isArray(value) && typeof value[1] === "string" ? [name] : [],
  );
}
