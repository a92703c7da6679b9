import { ConfigReader } from "./config-reader.js";

/** Where an adapter is made smaller, and how its blocks are built. */
export type T2IAdapterType = "full_adapter" | "full_adapter_xl" | "light_adapter";

/** What shapes a T2I-Adapter (its `config.json`). */
export interface T2IAdapterConfig {
  /** Channels of the picture that steers. */
  readonly inChannels: number;
  /** Of the features, from the finest down. */
  readonly channels: readonly number[];
  readonly numResBlocks: number;
  /** Side of the squares of pixels that become channels; the picture's sides are multiples of it. */
  readonly downscaleFactor: number;
  readonly adapterType: T2IAdapterType;
}

const TYPES = {
  full_adapter: "full_adapter",
  full_adapter_xl: "full_adapter_xl",
  light_adapter: "light_adapter",
} as const;

/**
 * Reads the configuration of a `T2IAdapter`; keys that a file lacks take the class's defaults.
 *
 * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is supported.
 */
export function t2iAdapterConfig(json: unknown, file = "adapter/config.json"): T2IAdapterConfig {
  const read = new ConfigReader(json, file);
  read.only("_class_name", "T2IAdapter");
  return {
    inChannels: read.count("in_channels", 3),
    channels: read.counts("channels", [320, 640, 1280, 1280]),
    numResBlocks: read.count("num_res_blocks", 2),
    downscaleFactor: read.count("downscale_factor", 8),
    adapterType: read.oneOf("adapter_type", TYPES, "full_adapter"),
  };
}
