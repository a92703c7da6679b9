import type { Tensor } from "@latentkit/core";
import type { Backend } from "@latentkit/runtime";

/** A sum to compute, and how often it is repeated along the batch. */
export interface WantedSum {
  readonly value: Tensor;
  readonly copies?: number;
}

/** The arithmetic of a run on the device of its network. */
export interface TensorDevice {
  /** Whether its sessions keep their results: those of a backend that was put around another one may have no `keep`. */
  isReady(): Promise<boolean>;
  /**
   * Computes sums of tensors, which may be remote or not, where the network runs: `[batch, channels, height, width]` each,
   * all of one shape. The results are remote tensors that are the caller's to free.
   */
  compute(wanted: readonly WantedSum[]): Promise<readonly Tensor[]>;
  /** Frees remote tensors, but for the memory of those that are needed still. */
  free(tensors: readonly Tensor[], needed?: readonly Tensor[]): Promise<void>;
  dispose(): Promise<void>;
}

/** Sums on a backend that keeps values; the code for it is loaded when the first is asked for. */
export function tensorDevice(backend: Backend): TensorDevice {
  let loaded: Promise<TensorDevice> | undefined;
  const load = async () => (await import("./kept-values.js")).deviceSums(backend);
  const device = () => {
    loaded ??= load();
    // one that is not to be had is asked for again
    loaded.catch(() => {
      loaded = undefined;
    });
    return loaded;
  };
  return {
    isReady: async () => (await device()).isReady(),
    compute: async (wanted) => (await device()).compute(wanted),
    free: async (tensors, needed) => (await device()).free(tensors, needed),
    dispose: async () => (await loaded)?.dispose(),
  };
}
