import { LatentKitError } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import type { PreviewParts } from "./preview.js";

/** @throws LatentKitError `"unsupported-model"` unless a pipeline's tiny autoencoder has latents of the same form as its autoencoder. */
export function checkPreviewDecoder(
  parts: { readonly [Name in keyof PreviewParts]?: PreviewParts[Name] | undefined },
): void {
  const { vae, previewDecoder } = parts;
  if (!vae || !previewDecoder) return;
  const form = ({ latentChannels, scaleFactor }: LatentCodec) =>
    `${latentChannels} channels at 1/${scaleFactor} of the size`;
  if (form(vae) === form(previewDecoder)) return;
  const problem = `previewDecoder: its latents have ${form(previewDecoder)}, the vae's ${form(vae)}`;
  throw new LatentKitError("unsupported-model", `${problem}; take the tiny autoencoder made for this model`);
}
