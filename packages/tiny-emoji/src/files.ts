/**
 * Where each file of the embedded checkpoint is, by its path in the folder. Written out one by one: bundlers carry along
 * the files that they find named so.
 *
 * @example
 * ```ts
 * const index = await (await fetch(modelFiles["model_index.json"]!)).json();
 * ```
 */
export const modelFiles: Readonly<Record<string, URL>> = {
  "model_index.json": new URL("../model/model_index.json", import.meta.url),
  "scheduler/scheduler_config.json": new URL("../model/scheduler/scheduler_config.json", import.meta.url),
  "text_encoder/config.json": new URL("../model/text_encoder/config.json", import.meta.url),
  "text_encoder/model.safetensors": new URL("../model/text_encoder/model.safetensors", import.meta.url),
  "tokenizer/merges.txt": new URL("../model/tokenizer/merges.txt", import.meta.url),
  "tokenizer/special_tokens_map.json": new URL("../model/tokenizer/special_tokens_map.json", import.meta.url),
  "tokenizer/tokenizer_config.json": new URL("../model/tokenizer/tokenizer_config.json", import.meta.url),
  "tokenizer/vocab.json": new URL("../model/tokenizer/vocab.json", import.meta.url),
  "unet/config.json": new URL("../model/unet/config.json", import.meta.url),
  "unet/diffusion_pytorch_model.safetensors": new URL(
    "../model/unet/diffusion_pytorch_model.safetensors",
    import.meta.url,
  ),
  "vae/config.json": new URL("../model/vae/config.json", import.meta.url),
  "vae/diffusion_pytorch_model.safetensors": new URL(
    "../model/vae/diffusion_pytorch_model.safetensors",
    import.meta.url,
  ),
  "vae_tiny/config.json": new URL("../model/vae_tiny/config.json", import.meta.url),
  "vae_tiny/diffusion_pytorch_model.safetensors": new URL(
    "../model/vae_tiny/diffusion_pytorch_model.safetensors",
    import.meta.url,
  ),
};
