import type { Step } from "latentkit";
import { element } from "./element.js";

const bar = element("bar", HTMLProgressElement);
const text = element("progress-text", HTMLElement);
const spoken = element("spoken", HTMLElement);
const stages = element("stages", HTMLElement);

/** Milliseconds at moments of a run. */
export interface Times {
  readonly begin: number;
  /** After each network call. */
  readonly steps: readonly number[];
  readonly end: number;
}

/** Says something to people who listen rather than look. */
export function say(message: string): void {
  spoken.textContent = message;
}

/** Shows how far something is, from 0 to 1; undefined where nobody knows. */
export function showProgress(share: number | undefined, message: string): void {
  if (share === undefined) bar.removeAttribute("value");
  else bar.value = share;
  text.textContent = message;
}

/** Shows a step, and how long the rest will take by the pace since the first one. */
export function showStep({ index, total }: Step, times: readonly number[]): void {
  const done = index + 1;
  const [first = 0] = times;
  const pace = index === 0 ? 0 : ((times.at(-1) ?? first) - first) / index;
  const left = index === 0 || done === total ? "" : ` · ${duration(pace * (total - done))} left`;
  showProgress(done / total, done === total ? "Decoding" : `Step ${done} of ${total}${left}`);
  if (done === Math.ceil(total / 2) && total > 3) say("Half-way");
}

/** Shows how long each stage of a picture took. */
export function showTimes({ begin, steps, end }: Times): void {
  const [first = begin, last = begin] = [steps[0], steps.at(-1)];
  const others = steps.length - 1;
  const rows: readonly (readonly [string, string])[] = [
    ["Prompt and first step", duration(first - begin)],
    ...(others > 0
      ? ([[`${others} more steps`, `${duration(last - first)} (${duration((last - first) / others)} each)`]] as const)
      : []),
    ["Decoding", duration(end - last)],
    ["In all", duration(end - begin)],
  ];
  stages.replaceChildren(...rows.map(([name, value]) => stage(name, value)));
}

function stage(name: string, value: string): HTMLElement {
  const row = document.createElement("div");
  const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  detail.textContent = value;
  row.append(term, detail);
  return row;
}

/** `"0.42 s"`, `"8.1 s"`, `"2 min 5 s"`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** `"4.2 MB"`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
