import { type Tensor, weightedSum } from "@latentkit/core";
import type { ImageSize } from "@latentkit/images";
import type { T2IAdapter } from "@latentkit/models";
import type { AdapterOptions } from "./adapter-options.js";
import { type Adapters, adapterList } from "./adapter-parts.js";
import { type ControlImages, controlImages } from "./control-images.js";
import { fitRows } from "./guided.js";
import { oneForEach } from "./one-for-each.js";
import { checkFinite, checkRange } from "./option-checks.js";
import { picturesForEach } from "./pictures-for-each.js";
import { release } from "./release.js";
import type { Steering } from "./steering.js";

/** One adapter's part in a run, with everything settled. */
interface Adaptation {
  readonly network: T2IAdapter;
  readonly images: ControlImages;
  readonly scale: number;
}

/** How adapters steer a run, and the picture that it takes its size from. */
export interface AdapterRequest {
  readonly steering: Steering;
  readonly images: ControlImages;
  /** Of which the run's sides have to be. */
  readonly multiple: number;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @param images pictures that the run makes.
 * @param scaleFactor pixels per latent along a side.
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settleAdapters(
  adapter: Adapters,
  options: AdapterOptions,
  images: number,
  scaleFactor: number,
): AdapterRequest {
  const networks = adapterList(adapter);
  const { adapterConditioningScale = 1, adapterConditioningFactor = 1 } = options;
  checkRange("adapterConditioningFactor", adapterConditioningFactor, 0, 1);
  const scales = oneForEach(adapterConditioningScale, networks.length, "adapterConditioningScale", "adapter");
  for (const scale of scales) checkFinite("adapterConditioningScale", scale);
  const pictures = picturesForEach(options.controlImage, networks.length, "adapter");
  const adaptations = networks.map((network, i): Adaptation => {
    const request = { name: "controlImage", channels: network.config.inChannels, images };
    return { network, images: controlImages(pictures[i], request), scale: scales[i]! };
  });
  return {
    images: adaptations[0]!.images,
    multiple: Math.max(...networks.map(({ downscaleFactor }) => downscaleFactor)),
    steering: adapterSteering(adaptations, adapterConditioningFactor, scaleFactor),
  };
}

/** What T2I-Adapters add to a UNet's states: the same at every step of their share (Mou et al. 2023, §3.3). */
function adapterSteering(adaptations: readonly Adaptation[], share: number, scaleFactor: number): Steering {
  const made = new Map<string, Promise<readonly Tensor[]>>();
  return {
    async residuals({ sample, index, total }) {
      if (index >= Math.floor(total * share)) return undefined;
      const [rows = 0, , height = 0, width = 0] = sample.shape;
      const key = `${width}x${height}`;
      const size = { height: height * scaleFactor, width: width * scaleFactor };
      const features = made.get(key) ?? featuresOf(adaptations, size);
      made.set(key, features);
      const fit = (value: Tensor) => (value.shape[0] === 1 ? value : fitRows(value, rows));
      return { downIntraResiduals: (await features).map(fit) };
    },
    release: () => release(...adaptations.map(({ network }) => network)),
  };
}

/** The features of all adapters together. */
async function featuresOf(adaptations: readonly Adaptation[], size: ImageSize): Promise<readonly Tensor[]> {
  const all: (readonly Tensor[])[] = [];
  for (const { network, images } of adaptations) all.push(await network.features(await images.at(size)));
  const batch = Math.max(...all.map(([first]) => first?.shape[0] ?? 1));
  return all[0]!.map((_, level) =>
    weightedSum(all.map((features, i) => [adaptations[i]!.scale, fitRows(features[level]!, batch)])),
  );
}
