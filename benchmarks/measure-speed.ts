import { type GraphCosts, graphCosts } from "./graph-costs.js";
import { type MachineRates, rateMeter } from "./machine-rates.js";
import { type Stage, stageNetworks, type Variant } from "./network-stages.js";
import type { SpeedOptions } from "./speed-options.js";
import { programRunner, type Runner, type Seconds, variantRunner } from "./speed-runners.js";

/** What was measured of one kind of network, or of another program, in one stage. */
export interface Measured {
  readonly stage: Stage;
  /** `"ours"`, `"unfused"`, or what the user calls another program. */
  readonly name: string;
  /** Of each round. */
  readonly seconds: readonly number[];
  /** Highest resident memory of its process, in GB. */
  readonly peak?: number | undefined;
  /** Of one run; counted, not measured. */
  readonly costs?: GraphCosts | undefined;
  /** What the machine did in each round. */
  readonly rates: readonly MachineRates[];
}

/** What was measured of a model on a machine. */
export interface Measurements {
  readonly rows: readonly Measured[];
  /** Whether the networks that are compared were open at the same time and ran in turn. */
  readonly inTurn: boolean;
}

/** Something to be opened and run. */
interface Contestant {
  readonly name: string;
  readonly open: () => Promise<Runner>;
  readonly costs?: GraphCosts;
}

const variants: readonly Variant[] = ["ours", "unfused"];
/** What opening a network takes, as a multiple of its weights. */
const SLACK = 1.4;

/** Measures stage after stage, and in each round what the machine does at best; tells `onProgress` what it is at. */
export async function measureSpeed(options: SpeedOptions, onProgress: (text: string) => void): Promise<Measurements> {
  const meter = await rateMeter(options.device, options.threads);
  const rows: Measured[] = [];
  let inTurn = true;
  for (const stage of options.stages) {
    const networks = await Promise.all(variants.map((variant) => contestant(stage, variant, options)));
    const fit =
      SLACK * networks.reduce((sum, { costs }) => sum + (costs?.weightBytes ?? 0), 0) < process.availableMemory();
    const programs = stage === "step" ? options.compared.map((program) => comparison(program, options)) : [];
    const all = [...networks, ...programs];
    for (const group of fit ? [all] : all.map((one) => [one])) {
      onProgress(`${stage}: ${group.map(({ name }) => name).join(", ")}`);
      rows.push(...(await measured(stage, group, options.rounds, meter)));
    }
    inTurn &&= fit;
  }
  return { rows: rows.toSorted(byStage), inTurn };
}

/** Other programs tell of several stages at once. */
const byStage = (a: Measured, b: Measured): number => stageOrder.indexOf(a.stage) - stageOrder.indexOf(b.stage);
const stageOrder: readonly Stage[] = ["text", "step", "decode"];

async function contestant(stage: Stage, variant: Variant, options: SpeedOptions): Promise<Contestant> {
  const request = { ...options, stage, variant };
  const costs = (await stageNetworks(request)).map(({ graph, axes }) => graphCosts(graph, axes));
  return { name: variant, open: () => variantRunner(request), costs: costs.reduce(sumOf) };
}

const sumOf = (a: GraphCosts, b: GraphCosts): GraphCosts => ({
  multiplyAdds: a.multiplyAdds + b.multiplyAdds,
  weightBytes: a.weightBytes + b.weightBytes,
  // one after the other
  activationBytes: Math.max(a.activationBytes, b.activationBytes),
});

function comparison(program: SpeedOptions["compared"][number], options: SpeedOptions): Contestant {
  return { name: program.name, open: async () => programRunner(program, options) };
}

/** Opens the contestants, and runs them in turn. */
async function measured(
  stage: Stage,
  contestants: readonly Contestant[],
  rounds: number,
  meter: () => Promise<MachineRates>,
): Promise<Measured[]> {
  const runners: Runner[] = [];
  const times = contestants.map((): Seconds[] => []);
  const rates: MachineRates[] = [];
  const peaks: (number | undefined)[] = [];
  try {
    for (const { open } of contestants) runners.push(await open());
    for (let round = 0; round < rounds; round++) {
      for (const [i, runner] of runners.entries()) times[i]!.push(await runner.run());
      rates.push(await meter());
    }
  } finally {
    for (const runner of runners) peaks.push(await runner.end());
  }
  return contestants.flatMap(({ name, costs }, i) => rowsOf(stage, name, times[i]!, { peak: peaks[i], costs, rates }));
}

function rowsOf(
  first: Stage,
  name: string,
  times: readonly Seconds[],
  rest: Pick<Measured, "peak" | "costs" | "rates">,
): Measured[] {
  const stages = rest.costs ? [first] : stageOrder;
  return stages.flatMap((stage) => {
    const seconds = times.map((time) => time[stage]).filter((value) => value !== undefined);
    return seconds.length > 0 ? [{ stage, name, seconds, ...rest }] : [];
  });
}
