type Configs = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** What UNets that take more than latents are made for, by their channels. */
const PURPOSES: Readonly<Record<number, string>> = { 9: "inpainting", 8: "editing by instruction", 7: "upscaling" };

/** Which of the published families a model belongs to, by its pipeline and by the structure of its UNet. */
export function modelFamily(pipeline: string | undefined, configs: Configs): string {
  const unet = configs.get("unet") ?? configs.get("") ?? {};
  const { _class_name: className, time_cond_proj_dim: guidance, in_channels: channels } = unet;
  if (className === "UNet2DModel" || pipeline === "DDPMPipeline") return "unconditional diffusion";
  const version = versionOf(unet);
  if (version === undefined) return pipeline ?? (typeof className === "string" ? className : "unknown");
  const purpose = typeof channels === "number" ? PURPOSES[channels] : undefined;
  const details = [typeof guidance === "number" ? "latent consistency" : undefined, purpose].filter(
    (detail) => detail !== undefined,
  );
  return [`Stable Diffusion ${version}`, ...details].join(", ");
}

/** By the width of the text that the UNet looks at. */
function versionOf(unet: Readonly<Record<string, unknown>>): string | undefined {
  const { cross_attention_dim: width, addition_embed_type: addition } = unet;
  const [context] = Array.isArray(width) ? width : [width];
  if (addition === "text_time") return context === 1280 ? "XL refiner" : "XL";
  if (context === 768) return "1";
  return context === 1024 ? "2" : undefined;
}
