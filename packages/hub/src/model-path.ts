/**
 * A path inside a model in its plain form: `unet/config.json`. Undefined when it leaves the model by `..` or is
 * absolute. File names inside a checkpoint come from strangers (`*.safetensors.index.json`).
 */
export function modelPath(...parts: readonly string[]): string | undefined {
  const absolute = parts.some((part) => /^([\\/]|[A-Za-z]:)/.test(part));
  const names = parts.flatMap((part) => part.split(/[\\/]/)).filter((name) => name !== "" && name !== ".");
  return absolute || names.includes("..") || names.some((name) => name.includes("\0")) ? undefined : names.join("/");
}
