import type { ExternalFile, ModelFile } from "@latentkit/core";

/** The names under which a graph mentions the files of its weights: their own, which a session finds in their folder. */
export class FileLocations {
  readonly #locations = new Map<ModelFile, string>();
  readonly #taken = new Set<string>();

  /** The name of a file; two files of one name get two. */
  of(file: ModelFile): string {
    const known = this.#locations.get(file);
    if (known !== undefined) return known;
    const name = baseName(file);
    const location = this.#taken.has(name) ? `${this.#taken.size}-${name}` : name;
    this.#taken.add(location);
    this.#locations.set(file, location);
    return location;
  }

  /** Every file that was named. */
  files(): readonly ExternalFile[] {
    return [...this.#locations].map(([file, location]) => ({ location, file }));
  }
}

/** The file's own name: what an in-memory graph and a session's folder agree on. */
function baseName(file: ModelFile): string {
  return (file.path ?? file.name).split(/[\\/]/).at(-1) ?? file.name;
}
