import { LatentKitError } from "@latentkit/core";

/**
 * Refuses a file that is no `.safetensors`, by its name.
 *
 * @throws LatentKitError `"unsupported-model"` with what to take instead.
 */
export function checkFileKind(name: string, place: string): void {
  if (/\.safetensors$/i.test(name)) return;
  throw new LatentKitError("unsupported-model", `${place}: ${advice(name)}`);
}

function advice(name: string): string {
  if (/\.(ckpt|pt|pth|bin|pkl)$/i.test(name)) {
    return (
      "a pickle is not opened, because it can run code; take the .safetensors version of this model, or convert it " +
      "where you trust it (Diffusers: from_single_file, then save_pretrained)"
    );
  }
  if (/\.gguf$/i.test(name)) {
    return 'a .gguf file is not opened; take the .safetensors version of this model, and dtype "q8" or "q4" to save memory';
  }
  if (/\.onnx$/i.test(name)) return "this is one ONNX graph; pass the folder of the whole export";
  return "this is a file, and not a .safetensors file; pass a folder in Diffusers layout or a .safetensors file";
}
