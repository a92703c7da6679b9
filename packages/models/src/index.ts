export { AutoencoderKL, type Posterior } from "./autoencoder-kl.js";
export { AutoencoderTiny } from "./autoencoder-tiny.js";
export { CLIPTextEncoder, type CLIPTextOutputs, type EncodeOptions } from "./clip-text-encoder.js";
export { AutoencoderSessions, type LatentCodec } from "./latent-codec.js";
export type { LoadOptions, Warning } from "./load-options.js";
export { openBackend } from "./open-network.js";
export { UNet2DConditionModel, type UNetConditions } from "./unet-2d-condition-model.js";
