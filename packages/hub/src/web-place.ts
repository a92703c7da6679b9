import type { WebAccess } from "./web-fetch.js";
import type { WebHubOptions } from "./web-options.js";
import type { WebProgress } from "./web-progress.js";
import type { BlobStore } from "./web-store.js";

/** A model on a server. */
export interface WebPlace {
  /** Web address, without a slash at its end. */
  readonly location: string;
  /** Web address of a file in it. */
  readonly url: (name: string) => string;
  /** Every file, where the server tells them beforehand; an address then means one content forever. */
  readonly listed?: ReadonlyMap<string, FileVersion>;
  readonly access: WebAccess;
  readonly store: BlobStore | undefined;
  readonly progress: WebProgress;
  readonly options: WebHubOptions;
}

/** What a server says of a file. */
export interface FileVersion {
  /** Bytes. */
  readonly size: number;
  /** Changes with the content. */
  readonly etag?: string | undefined;
}
