import type { HubOptions } from "./hub-options.js";
import type { BlobStore } from "./web-store.js";

/** How to get a model in a page. `cacheDir` means nothing there. */
export interface WebHubOptions extends HubOptions {
  /**
   * Where files are kept between visits; null keeps none, and reads them by range from the server.
   * @default the Cache API, or null where the browser blocks storage
   */
  readonly store?: BlobStore | null;
  /** Web address of the Hub. @default "https://huggingface.co" */
  readonly endpoint?: string;
}
