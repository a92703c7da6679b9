import { type ProgressMeter, progressMeter } from "./download-progress.js";
import type { DownloadProgress } from "./hub-options.js";

/** Keeps count of the bytes of files that become known one by one. */
export interface WebProgress {
  /** A file that belongs to the download, and what is here of it. */
  add(file: string, size: number, loaded: number): void;
  /** A file has this many bytes now. */
  update(file: string, loaded: number): void;
  /** Reports once more. */
  flush(): void;
}

/** Tells how far a download is; the total grows with every file that is found. */
export function webProgress(onProgress: ((progress: DownloadProgress) => void) | undefined): WebProgress {
  const files = new Map<string, { readonly size: number; readonly loaded: number }>();
  let meter: ProgressMeter | undefined;
  const current = () => {
    meter ??= progressMeter(files, onProgress);
    return meter;
  };
  return {
    add(file, size, loaded) {
      if (files.get(file)?.size !== size) meter = undefined;
      files.set(file, { size, loaded });
    },
    update(file, loaded) {
      current().update(file, loaded);
      files.set(file, { size: files.get(file)?.size ?? loaded, loaded });
    },
    flush: () => current().flush(),
  };
}
