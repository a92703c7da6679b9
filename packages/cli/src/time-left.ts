/**
 * Tells after each step how long the rest will take, by the pace since the first step: that one also opens the network.
 *
 * @param now milliseconds of a clock that never goes back.
 */
export function createTimeLeft(now: () => number = () => performance.now()): (done: number, total: number) => string {
  let first: { readonly done: number; readonly at: number } | undefined;
  return (done, total) => {
    first ??= { done, at: now() };
    if (done === first.done) return "";
    const pace = (now() - first.at) / (done - first.done);
    return timeLeftText((pace * (total - done)) / 1000);
  };
}

/** `"2 min 26 s left"`. */
export function timeLeftText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s left` : `${Math.floor(whole / 60)} min ${whole % 60} s left`;
}
