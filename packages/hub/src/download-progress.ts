import type { DownloadProgress } from "./hub-options.js";

/** Milliseconds between two reports. */
const interval = 100;
/** Seconds after which a pace is known. */
const settling = 0.5;

/** Keeps count of the bytes of several files. */
export interface ProgressMeter {
  /** A file has this many bytes now; fewer than before when it had to begin anew. */
  update(file: string, loaded: number): void;
  /** Reports once more, however short ago the last report was. */
  flush(): void;
}

/** Files of known size, with what is here of each. */
export type FileStates = ReadonlyMap<string, { readonly size: number; readonly loaded: number }>;

/**
 * Tells how far a download is, not more often than about ten times a second.
 *
 * @param now milliseconds of a clock that never goes back.
 */
export function progressMeter(
  files: FileStates,
  onProgress: (progress: DownloadProgress) => void = () => undefined,
  now: () => number = () => performance.now(),
): ProgressMeter {
  const loadedOf = new Map([...files].map(([file, { loaded }]) => [file, loaded]));
  const total = sum([...files.values()].map(({ size }) => size));
  const begin = { at: now(), loaded: sum([...loadedOf.values()]) };
  let last: { readonly at: number; readonly file?: string } = { at: Number.NEGATIVE_INFINITY };

  const report = (file: string | undefined) => {
    const loaded = sum([...loadedOf.values()]);
    const seconds = (now() - begin.at) / 1000;
    const pace = (loaded - begin.loaded) / seconds;
    const isKnown = seconds >= settling && pace > 0;
    last = { at: now(), ...(file !== undefined && { file }) };
    onProgress({
      loaded,
      total,
      ...(file !== undefined && { file }),
      ...(isKnown && { secondsLeft: (total - loaded) / pace }),
    });
  };
  return {
    update(file, loaded) {
      loadedOf.set(file, loaded);
      if (now() - last.at >= interval) report(file);
      else last = { ...last, file };
    },
    flush: () => report(last.file),
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
