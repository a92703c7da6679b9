import { WriteStream } from "node:tty";
import { afterEach, expect, it, vi } from "vitest";
import { createProgress } from "./progress.js";

const clearLine = "\u001b[2K";

afterEach(() => void vi.useRealTimers());

/** A stream that keeps what is written; the real one needs a terminal. */
function memoryStream(isTTY: boolean): { stream: WriteStream; written(): string } {
  let text = "";
  const write = (chunk: string) => {
    text += chunk;
    return true;
  };
  const stream: WriteStream = Object.assign(Object.create(WriteStream.prototype), { isTTY, write });
  return { stream, written: () => text };
}

it("is a bar with the time left on a terminal, which makes room for lines and goes away", () => {
  const { stream, written } = memoryStream(true);
  const progress = createProgress(stream);
  progress.show({ doing: "drawing", done: 5, total: 20, left: "12 s left" });
  expect(written()).toContain("drawing [======------------------] 5/20 12 s left");
  progress.note("warning: odd");
  expect(written().endsWith(`${clearLine}warning: odd\n`)).toBe(true);
  progress.show({ doing: "decoding", done: 20, total: 20, left: "" });
  progress.stop();
  expect(written()).toContain("decoding [========================] 20/20");
  expect(written().endsWith(clearLine)).toBe(true);
});

it("is a line now and then elsewhere", () => {
  vi.useFakeTimers();
  const { stream, written } = memoryStream(false);
  const progress = createProgress(stream);
  const show = (done: number) => progress.show({ doing: "drawing", done, total: 20, left: "12 s left" });
  show(1);
  vi.advanceTimersByTime(11_000);
  show(2);
  show(3);
  progress.note("warning: odd");
  progress.stop();
  expect(written()).toBe("drawing 2/20 12 s left\nwarning: odd\n");
});
