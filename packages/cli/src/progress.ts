import type { WriteStream } from "node:tty";
import cliProgress from "cli-progress";

/** Where a run is. */
export interface Moment {
  readonly doing: string;
  readonly done: number;
  readonly total: number;
  /** Such as `"12 s left"`; empty when unknown. */
  readonly left: string;
}

/** Tells how far a run is. */
export interface Progress {
  show(moment: Moment): void;
  /** Writes a line of its own. */
  note(line: string): void;
  stop(): void;
}

/** Milliseconds between two lines where there is no terminal. */
const lineInterval = 10_000;

/** A bar on a terminal; elsewhere a line now and then, and none for short runs. */
export function createProgress(stream: WriteStream): Progress {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function bar(stream: WriteStream): Progress {
  const display = new cliProgress.SingleBar({
    stream,
    format: "{doing} [{bar}] {value}/{total} {left}",
    barsize: 24,
    clearOnComplete: true,
    // a process that is killed must not leave the terminal without line breaks
    linewrap: true,
  });
  const stop = () => {
    if (display.isActive) display.stop();
  };
  return {
    show({ done, total, ...texts }) {
      if (!display.isActive) display.start(total, done, texts);
      display.setTotal(total);
      display.update(done, texts);
    },
    note(line) {
      stop();
      stream.write(`${line}\n`);
    },
    stop,
  };
}

function lines(stream: NodeJS.WritableStream): Progress {
  let last = performance.now();
  return {
    show({ doing, done, total, left }) {
      if (performance.now() - last < lineInterval) return;
      last = performance.now();
      stream.write(`${doing} ${done}/${total} ${left}\n`);
    },
    note: (line) => void stream.write(`${line}\n`),
    stop: () => undefined,
  };
}
