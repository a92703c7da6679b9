import { DDIMInverseScheduler, DDIMScheduler } from "@latentkit/schedulers";
import { settleImage } from "./begin-from-image.js";
import { denoise } from "./denoise.js";
import { encodeImage } from "./encode-image.js";
import { isGuided } from "./guidance-embedding.js";
import { type DDIMInversionOptions, invertibleConfig, settleTarget } from "./inversion-options.js";
import type { Pipeline, PipelineClass } from "./pipeline.js";
import { pipelineClass } from "./pipeline-class.js";
import { release } from "./release.js";
import { checkWindow, runWindow } from "./run-window.js";
import { settleGuidance } from "./sampling-options.js";
import type { StableDiffusionComponents } from "./stable-diffusion-parts.js";
import { checkStableDiffusionFit, stableDiffusionComponents } from "./stable-diffusion-parts.js";
import { textContext } from "./text-context.js";
import { settleText } from "./text-options.js";

/**
 * A picture to the noise that makes it, and back (Song et al. 2021, §4.3): the more steps, the closer to the picture; and
 * with another prompt on the way back, a picture that keeps its composition (Mokady et al. 2023, §3.1). Any sampler's
 * noise levels will do; the steps are DDIM's, and draw no noise.
 *
 * @example
 * ```ts
 * const pipe = await DDIMInversionPipeline.fromPretrained("./stable-diffusion-v1-5");
 * const texts = { prompt: "a photo of a cat", targetPrompt: "a photo of a dog" };
 * const { images } = await pipe.generate({ ...texts, image: "./cat.png", guidanceScale: 3 });
 * await images[0].save("dog.png");
 * await pipe.dispose();
 * ```
 */
export const DDIMInversionPipeline: PipelineClass<
  StableDiffusionComponents,
  DDIMInversionOptions,
  DDIMInversionPipeline
> = pipelineClass({
  name: "DDIMInversionPipeline",
  components: stableDiffusionComponents,
  check: (parts) => checkStableDiffusionFit(parts),
  prepare(parts, options) {
    const { unet, vae, scheduler } = parts;
    const { numInferenceSteps = 50, strength = 1 } = options;
    const source = settleText(options, unet.config.crossAttentionDim);
    const target = settleTarget(options, source, unet.config.crossAttentionDim);
    const guidance = settleGuidance(options, 1, unet);
    const image = settleImage(options, vae, source.images);
    checkWindow({ strength });
    const config = invertibleConfig(scheduler.config);
    const there = DDIMInverseScheduler.fromConfig(config).plan({ numInferenceSteps, strength });
    const back = runWindow(DDIMScheduler.fromConfig(config), { numInferenceSteps }, { strength });
    return {
      images: source.images,
      window: { timesteps: [...there.timesteps, ...back.timesteps] },
      decode: (latents) => vae.decode(latents),
      async *states({ sampling: random, signal, onWarning }) {
        const shown = await textContext(parts, source, false, onWarning);
        const wanted = await textContext(parts, target, isGuided(unet, guidance), onWarning);
        const latents = await encodeImage(vae, image.list, { ...image, count: source.images });
        await release(vae);
        const noise = yield* denoise(unet, there, there.state(latents), shown, { random, signal });
        const from = back.plan.state(noise.sample, back.begin);
        const { sample } = yield* denoise(unet, back.plan, from, wanted, { ...guidance, random, signal });
        return sample;
      },
    };
  },
});
export interface DDIMInversionPipeline extends Pipeline<StableDiffusionComponents, DDIMInversionOptions> {}
