import { type Level, levelOf, type PredictionType } from "./prediction.js";

/** ᾱ by training timestep, also the one before the first. */
export interface AlphaTable {
  /** @throws RangeError for a timestep beyond training. */
  at(timestep: number): number;
  level(timestep: number): Level;
}

/** For the classes that look levels up by timestep: below 0 lies ᾱ = 1, or the first ᾱ unless `setAlphaToOne`. */
export function alphaTable(bars: Float32Array, setAlphaToOne: boolean): AlphaTable {
  const final = setAlphaToOne ? 1 : bars[0]!;
  const at = (timestep: number): number => {
    const bar = timestep < 0 ? final : bars[timestep];
    if (bar !== undefined) return bar;
    throw new RangeError(
      `timestep: expected an integer below numTrainTimesteps = ${bars.length}, got ${timestep}; ask for fewer steps or a smaller stepsOffset`,
    );
  };
  return { at, level: (timestep) => levelOf(at(timestep)) };
}

/** @throws RangeError when a run visits a level beyond training, or one without any signal that ε cannot lead away from. */
export function checkVisited(table: AlphaTable, timesteps: readonly number[], predictionType: PredictionType): void {
  const bars = timesteps.map(table.at);
  if (predictionType !== "epsilon" || !bars.includes(0)) return;
  throw new RangeError(
    'predictionType: "epsilon" has no meaning at the timestep without signal that rescaleBetasZeroSnr makes; expected "v_prediction" or "sample"',
  );
}
