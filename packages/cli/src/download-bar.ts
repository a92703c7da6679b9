import type { DownloadProgress } from "@latentkit/hub";
import type { Progress } from "./progress.js";
import { timeLeftText } from "./time-left.js";

/** Shows how far a download is. */
export function downloadBar(progress: Progress): (download: DownloadProgress) => void {
  return ({ loaded, total, secondsLeft }) => {
    const left = secondsLeft === undefined ? "" : timeLeftText(secondsLeft);
    progress.show({ doing: "downloading", done: loaded, total, left, unit: "bytes" });
    // what comes next is counted in steps
    if (loaded === total) progress.stop();
  };
}
