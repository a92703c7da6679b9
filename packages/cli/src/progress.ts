import type { WriteStream } from "node:tty";
import { byteText } from "@latentkit/hub";
import cliProgress from "cli-progress";

/** Where a run is. */
export interface Moment {
  readonly doing: string;
  readonly done: number;
  readonly total: number;
  /** Such as `"12 s left"`; empty when unknown. */
  readonly left: string;
  /** What is counted. @default "steps" */
  readonly unit?: "steps" | "bytes";
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
    format: "{doing} [{bar}] {amount} {left}",
    barsize: 24,
    clearOnComplete: true,
    // a process that is killed must not leave the terminal without line breaks
    linewrap: true,
  });
  const stop = () => {
    if (display.isActive) display.stop();
  };
  return {
    show(moment) {
      const { done, total, doing, left } = moment;
      const texts = { doing, left, amount: amountText(moment) };
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

function amountText({ done, total, unit }: Moment): string {
  return unit === "bytes" ? `${byteText(done)} of ${byteText(total)}` : `${done}/${total}`;
}

function lines(stream: NodeJS.WritableStream): Progress {
  let last = performance.now();
  return {
    show(moment) {
      if (performance.now() - last < lineInterval) return;
      last = performance.now();
      stream.write(`${moment.doing} ${amountText(moment)} ${moment.left}\n`);
    },
    note: (line) => void stream.write(`${line}\n`),
    stop: () => undefined,
  };
}
