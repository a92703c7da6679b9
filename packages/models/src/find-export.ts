import { LatentKitError, type ModelFile, type ModelFiles } from "@latentkit/core";
import { hasWeights } from "@latentkit/onnx";
import { dtypeName } from "./dtype.js";
import type { LoadOptions } from "./load-options.js";
import { firstOf, namesOf } from "./network-variant.js";

/** What exporters append to `model` for another precision: Optimum and transformers.js by `_`, Diffusers by `.`. */
const VARIANTS = ["fp16", "quantized", "int8", "uint8", "q8", "q4", "q4f16", "bnb4", "layernorm"];

/** The variants that a precision may be called. */
const VARIANTS_OF: Readonly<Record<string, readonly string[]>> = {
  fp16: ["fp16"],
  q8: ["quantized", "int8", "uint8", "q8"],
  q4: ["q4", "q4f16", "bnb4"],
};

const PLAIN = "model.onnx";

/**
 * The ONNX export in a network's folder: `model.onnx`, or by `variant` or `dtype` another one. Undefined where there is
 * none, or where there is a checkpoint named `stem` too, which is preferred.
 *
 * @throws LatentKitError `"file-not-found"` when there are only others, which it lists.
 */
export async function findExport(
  files: ModelFiles,
  stem: string,
  options: LoadOptions,
): Promise<ModelFile | undefined> {
  if (files.singleFile || (await hasWeights(files, stem, options.variant))) return undefined;
  const wanted = wantedNames(options);
  const asked = await firstOf(files, wanted);
  if (asked) return asked;
  const plain = await files.find(PLAIN);
  if (plain && wanted.length > 0) warnOfPlain(plain, options);
  const isFree = options.variant === undefined && (options.dtype ?? "auto") === "auto";
  const found = plain ?? (isFree ? await firstOf(files, namesOf("fp16")) : undefined);
  if (found) return found;
  const others = await existing(files, VARIANTS.flatMap(namesOf));
  if (others.length === 0) return undefined;
  const advice = others.map((name) => `variant: ${JSON.stringify(variantOf(name))} for ${name}`).join(", ");
  throw new LatentKitError(
    "file-not-found",
    `${files.location}: ${[...wanted, PLAIN].join(", ")} not found; pass ${advice}`,
  );
}

function wantedNames({ variant, dtype = "auto" }: LoadOptions): readonly string[] {
  if (variant !== undefined) return namesOf(variant);
  return (VARIANTS_OF[dtypeName(dtype)] ?? []).flatMap(namesOf);
}

function variantOf(name: string): string {
  return name.slice("model_".length, -".onnx".length);
}

async function existing(files: ModelFiles, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map(async (name) => ((await files.find(name)) ? [name] : [])));
  return found.flat();
}

/** The precision of an export was decided when it was made. */
function warnOfPlain({ name }: ModelFile, { variant, dtype, onWarning }: LoadOptions): void {
  const option = variant === undefined ? `dtype ${JSON.stringify(dtype)}` : `variant ${JSON.stringify(variant)}`;
  onWarning?.({ code: "ignored-option", message: `${name} is taken: there is no export for ${option} beside it` });
}
