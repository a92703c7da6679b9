import { ConfigReader } from "./config-reader.js";
import { type UNetEncoderConfig, unetEncoderConfig } from "./unet-encoder-config.js";

/** What shapes a ControlNet (its `config.json`). */
export interface ControlNetConfig extends UNetEncoderConfig {
  /** Channels of the picture that steers. */
  readonly conditioningChannels: number;
  /** Of the layers that make it as small as latents. */
  readonly conditioningEmbeddingOutChannels: readonly number[];
  readonly channelOrder: "rgb" | "bgr";
  /** Whether it steers by one value for each channel, the same everywhere in the picture. */
  readonly globalPoolConditions: boolean;
}

/**
 * Reads the configuration of a `ControlNetModel`; keys that a file lacks take the class's defaults.
 *
 * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is supported.
 */
export function controlNetConfig(json: unknown, file = "controlnet/config.json"): ControlNetConfig {
  const read = new ConfigReader(json, file);
  read.only("_class_name", "ControlNetModel");
  return {
    ...unetEncoderConfig(read),
    conditioningChannels: read.count("conditioning_channels", 3),
    conditioningEmbeddingOutChannels: read.counts("conditioning_embedding_out_channels", [16, 32, 96, 256]),
    channelOrder: read.oneOf("controlnet_conditioning_channel_order", { rgb: "rgb", bgr: "bgr" }, "rgb"),
    globalPoolConditions: read.boolean("global_pool_conditions", false),
  };
}
