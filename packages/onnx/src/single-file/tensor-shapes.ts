import { LatentKitError } from "@latentkit/core";
import type { Checkpoint } from "../checkpoint.js";

/** Reads a network's sizes off the shapes of its tensors. */
export class TensorShapes {
  readonly #checkpoint: Checkpoint;
  /** Every name, and every module that a name lies in. */
  readonly #paths: ReadonlySet<string>;

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
    this.#paths = new Set([...checkpoint.tensors.keys()].flatMap(ancestors));
  }

  /** Whether there is a tensor or module of that name. */
  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** How many modules `path.0`, `path.1`, … there are. */
  count(path: string): number {
    let length = 0;
    while (this.#paths.has(`${path}.${length}`)) length++;
    return length;
  }

  /**
   * Length of one axis.
   *
   * @throws LatentKitError `"invalid-checkpoint"` when there is no such tensor or axis.
   */
  axis(name: string, index: number): number {
    const length = this.#checkpoint.tensors.get(name)?.shape[index];
    if (length !== undefined && length > 0) return length;
    const { location } = this.#checkpoint;
    throw new LatentKitError(
      "invalid-checkpoint",
      `${location}: the tensor ${name} is missing or empty; download it again`,
    );
  }

  /** Axes of a tensor, 0 when there is none. */
  rank(name: string): number {
    return this.#checkpoint.tensors.get(name)?.shape.length ?? 0;
  }

  /** The first tensor whose name ends so. */
  find(ending: string): string | undefined {
    return [...this.#checkpoint.tensors.keys()].find((name) => name.endsWith(ending));
  }
}

/** `a.b.c` → `a.b.c`, `a.b`, `a`. */
function ancestors(name: string): string[] {
  const words = name.split(".");
  return words.map((_, i) => words.slice(0, i + 1).join("."));
}
