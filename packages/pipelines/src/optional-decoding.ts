// how latents are decoded where a checkpoint or an option asks for it, for `import()`: pages load it when it is needed
export { AutoencoderTiny, tiled } from "@latentkit/models";
export { stepPreview } from "./step-preview.js";
