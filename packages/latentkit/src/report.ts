import { proxy, releaseProxy } from "comlink";

/** Called across threads with what a call tells before its end. */
export interface Report {
  (kind: ReportKind, value: unknown): void | Promise<void>;
  /** Closes the way to the caller. */
  readonly [releaseProxy]?: () => void;
}

export type ReportKind = "progress" | "warning";

/** What a caller wants to be told. */
export interface Listeners {
  readonly onProgress?: ((value: never) => void) | undefined;
  readonly onWarning?: ((value: never) => void) | undefined;
}

/** The report of a caller; undefined for one who wants to hear nothing. */
export function reportTo({ onProgress, onWarning }: Listeners): Report | undefined {
  const listeners = { progress: onProgress, warning: onWarning };
  if (!onProgress && !onWarning) return undefined;
  // what it is told is what the listeners are for
  return proxy((kind: ReportKind, value: unknown) => listeners[kind]?.(value as never));
}

/** A worker's end of a report. */
export interface Reports {
  /** Options that pass everything on. */
  readonly callbacks: {
    readonly onProgress?: (value: unknown) => void;
    readonly onWarning?: (value: unknown) => void;
  };
  /** Ends when everything has arrived; rejects with what a callback threw. */
  settled(): Promise<void>;
  close(): void;
}

/** Passes progress and warnings on to who called, when they want to know. */
export function openReports(report: Report | undefined): Reports {
  if (!report) return { callbacks: {}, settled: async () => {}, close: () => {} };
  let sent: Promise<unknown> = Promise.resolve();
  const tell = (kind: ReportKind) => (value: unknown) => {
    const arrived = Promise.resolve(report(kind, value));
    sent = Promise.all([sent, arrived]);
    // told by settled
    sent.catch(() => undefined);
  };
  return {
    callbacks: { onProgress: tell("progress"), onWarning: tell("warning") },
    async settled() {
      await sent;
    },
    close: () => report[releaseProxy]?.(),
  };
}
