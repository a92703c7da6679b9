import { StableDiffusionPipeline } from "latentkit";

const { searchParams } = new URL(location.href);
const [source, device] = [searchParams.get("model"), searchParams.get("device")];
const pipe = await StableDiffusionPipeline.fromPretrained(
  source ?? undefined,
  device === null ? {} : { device: device === "webgpu" ? "webgpu" : "wasm" },
);
const { images, latents } = await pipe.generate({
  prompt: "a red apple",
  seed: 3,
  width: Number(searchParams.get("width") ?? 64),
  height: Number(searchParams.get("height") ?? 48),
  numInferenceSteps: 2,
});
document.title = JSON.stringify({
  latents: [...latents.data],
  image: [...(images[0]?.data ?? [])],
  png: (await images[0]?.toBlob())?.type,
});
await pipe.dispose();
