import { LatentKitError } from "@latentkit/core";
import type { Checkpoint } from "./checkpoint.js";
import type { CheckpointTensor } from "./safetensors.js";

/**
 * A module of a checkpoint, addressed by the checkpoint's own names: `weights.at("down_blocks.0.resnets.0").at("norm1")`.
 * Remembers which tensors were taken, so that a graph can say what it left out.
 *
 * @example
 * ```ts
 * const weights = new Weights(await openCheckpoint(files, "model"));
 * weights.at("text_model.final_layer_norm").tensor("weight", [768]);
 * weights.unused(); // every other tensor of the file
 * ```
 */
export class Weights {
  readonly path: string;
  readonly #checkpoint: Checkpoint;
  readonly #used: Set<string>;

  constructor(checkpoint: Checkpoint, path: string = "", used: Set<string> = new Set()) {
    this.#checkpoint = checkpoint;
    this.path = path;
    this.#used = used;
  }

  /** A module inside. */
  at(module: string): Weights {
    return new Weights(this.#checkpoint, this.#join(module), this.#used);
  }

  /** Whether this module has a tensor, or a module with tensors, of that name. */
  has(name: string): boolean {
    const path = this.#join(name);
    if (this.#checkpoint.tensors.has(path)) return true;
    for (const key of this.#checkpoint.tensors.keys()) if (key.startsWith(`${path}.`)) return true;
    return false;
  }

  /**
   * Takes a tensor. `null` in the expected shape accepts any length.
   *
   * @throws LatentKitError `"invalid-checkpoint"` when it is missing or has another shape.
   */
  tensor(name: string, shape: readonly (number | null)[]): CheckpointTensor {
    const path = this.#join(name);
    const found = this.#checkpoint.tensors.get(path);
    if (!found) {
      throw new LatentKitError(
        "invalid-checkpoint",
        `${this.#checkpoint.location}: the tensor ${path} is missing; is config.json the one of this checkpoint?`,
      );
    }
    if (
      found.shape.length !== shape.length ||
      shape.some((length, axis) => length !== null && length !== found.shape[axis])
    ) {
      const expected = shape.map((length) => length ?? "any").join(", ");
      throw new LatentKitError(
        "invalid-checkpoint",
        `${this.#checkpoint.location}: the tensor ${path} has shape [${found.shape.join(", ")}], expected [${expected}]; is config.json the one of this checkpoint?`,
      );
    }
    this.#used.add(path);
    return found;
  }

  /** Whether this layer is stored as a 1×1 convolution. */
  isPointwiseConvolution(): boolean {
    const shape = this.#checkpoint.tensors.get(this.#join("weight"))?.shape ?? [];
    return shape.length === 4 && shape[2] === 1 && shape[3] === 1;
  }

  /** Names of the tensors that nothing has taken. */
  unused(): string[] {
    return [...this.#checkpoint.tensors.keys()].filter((name) => !this.#used.has(name));
  }

  #join(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}
