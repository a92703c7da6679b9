/** What a page knows of its GPU. */
export interface GpuFacts {
  /** Whether there is one, and whether networks run better on it than on the CPU. */
  readonly state: "missing" | "poor" | "good";
  /** Whether it computes in float16. */
  readonly float16: boolean;
  /** What it is, or why there is none, for people. */
  readonly description: string;
}

/** What an adapter and a device have in common. */
type GpuDescription = Pick<GPUAdapter, "features" | "limits"> & { readonly info?: GPUAdapterInfo };

/** Bytes of Stable Diffusion's largest matrix, the embedding of 49,408 words in 768 numbers. */
const LARGEST_MATRIX = 49_408 * 768 * 4;

/** The GPU of this page: the one that was passed in, or the browser's. */
export async function gpuFacts(own: GPUDevice | undefined): Promise<GpuFacts> {
  if (own) return { ...describe(own), state: "good" };
  const { gpu } = navigator;
  if (!gpu) return missing(isSecureContext ? "this browser has no WebGPU" : "WebGPU needs https or localhost");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  return adapter
    ? describe(adapter)
    : missing("the browser offers no GPU: its driver is blocked or acceleration is off");
}

function missing(description: string): GpuFacts {
  return { state: "missing", float16: false, description };
}

function describe({ info, features, limits }: GpuDescription): GpuFacts {
  const float16 = features.has("shader-f16");
  const room = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  const name = [info?.vendor, info?.architecture].filter(Boolean).join(" ");
  const abilities = `${name || "a GPU"}, ${float16 ? "float16" : "no float16"}, buffers of ${Math.floor(room / 2 ** 20)} MiB`;
  if (info?.isFallbackAdapter) return { state: "poor", float16, description: `the GPU is software (${abilities})` };
  if (room < LARGEST_MATRIX)
    return { state: "poor", float16, description: `the GPU's buffers are too small (${abilities})` };
  return { state: "good", float16, description: abilities };
}
