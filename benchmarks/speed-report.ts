import { cpus, totalmem } from "node:os";
import { env } from "onnxruntime-node";
import { parse, View } from "vega";
import { compile } from "vega-lite";
import type { GraphCosts } from "./graph-costs.js";
import type { Measured, Measurements } from "./measure-speed.js";
import type { Stage } from "./network-stages.js";
import { publishedModels } from "./published-models.js";
import type { SpeedOptions } from "./speed-options.js";
import { median, type Spread, spread } from "./spread.js";

/** A row of the table, in seconds and shares. */
export interface ReportRow extends Measured, Spread {
  /** Of the unfused graph's time, round by round. */
  readonly ofUnfused: number | undefined;
  /** Of the time that its operations would take at the rate of the round, or its weights at its bandwidth. */
  readonly ofFloor: number | undefined;
  /** The same for the operations of convolutions that are computed one by one: what exporters' graphs have. */
  readonly ofDirectFloor: number | undefined;
}

/** Everything that a run of the benchmark found. */
export interface Report {
  readonly heading: string;
  readonly options: SpeedOptions;
  readonly machine: object;
  /** Floating-point operations per second. */
  readonly operationRate: Spread;
  /** Bytes per second. */
  readonly bandwidth: Spread;
  readonly inTurn: boolean;
  readonly rows: readonly ReportRow[];
}

const stageNames: Readonly<Record<Stage, string>> = {
  text: "two texts",
  step: "guided step",
  decode: "decoding",
};

/** Works out shares and floors. */
export function reportOf(options: SpeedOptions, { rows, inTurn }: Measurements): Report {
  const rates = new Set(rows.flatMap((row) => row.rates));
  const { model, pixels, device, precision } = options;
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim()}`;
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    heading: `${publishedModels[model].name}, ${pixels}×${pixels}, ${precision}, on ${device}: ${processor}, ${memory} GB`,
    options,
    machine: { device, processor, memory, node: process.version, onnxruntime: env.versions.node },
    operationRate: spread([...rates].map(({ operations }) => operations)),
    bandwidth: spread([...rates].map((rate) => rate.bandwidth)),
    inTurn,
    rows: rows.map((row) => {
      const unfused = rows.find(({ stage, name }) => stage === row.stage && name === "unfused");
      return {
        ...row,
        ...spread(row.seconds),
        ofUnfused: unfused && median(row.seconds.map((value, i) => value / (unfused.seconds[i] ?? Number.NaN))),
        ofFloor: ofFloor(row, row.costs, device),
        ofDirectFloor: ofFloor(row, row.costs && unfused?.costs, device),
      };
    }),
  };
}

/** A graphics card's memory is not the machine's. */
function ofFloor(row: Measured, costs: GraphCosts | undefined, device: string): number | undefined {
  if (!costs) return undefined;
  const floors = row.rates.map(({ operations, bandwidth }) =>
    Math.max((2 * costs.multiplyAdds) / operations, device === "cpu" ? costs.weightBytes / bandwidth : 0),
  );
  return median(row.seconds.map((value, i) => value / (floors[i] ?? Number.NaN)));
}

/** The report as a table in Markdown. */
export function tableOf({ heading, rows, operationRate, bandwidth, inTurn, options }: Report): string {
  const lines = [
    heading,
    "",
    "| | median | least to most | peak memory | operations | of unfused | of the floor | of the direct floor |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.map(line),
    "",
    `Floor: operations at ${(operationRate.median / 1e9).toFixed(0)} billion a second, as in products of large matrices` +
      (options.device === "cpu"
        ? `; weights at ${(bandwidth.median / 1e9).toFixed(1)} GB a second, as in copies.`
        : "."),
    "Direct floor: the same of the unfused graph, whose convolutions are computed one by one.",
    ...(inTurn ? [] : ["Memory does not hold all networks at once: they were measured one after the other."]),
    ...comparisons(rows),
  ];
  return lines.join("\n");
}

function line(row: ReportRow): string {
  const share = (value: number | undefined) => (value === undefined ? "" : value.toFixed(2));
  const cells = [
    `${stageNames[row.stage]}, ${row.name}`,
    `${row.median.toFixed(3)} s`,
    `${row.least.toFixed(3)} to ${row.most.toFixed(3)} s`,
    row.peak === undefined ? "" : `${row.peak.toFixed(2)} GB`,
    row.costs ? `${((2 * row.costs.multiplyAdds) / 1e9).toFixed(0)} billion` : "",
    share(row.ofUnfused),
    share(row.ofFloor),
    share(row.ofDirectFloor),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** How much of another program's time ours takes. */
function comparisons(rows: readonly ReportRow[]): string[] {
  return rows
    .filter(({ costs }) => !costs)
    .flatMap(({ stage, name, seconds }) => {
      const ours = rows.find((row) => row.stage === stage && row.name === "ours");
      if (!ours) return [];
      const ratio = median(seconds.map((value, i) => (ours.seconds[i] ?? Number.NaN) / value));
      return [`${stageNames[stage]}: ours takes ${ratio.toFixed(2)} of what ${name} does.`];
    });
}

/** Seconds of a guided step as bars, with the range of the rounds; of what was measured first where that was left out. */
export async function plotOf({ heading, rows }: Report): Promise<string> {
  const stage = rows.some((row) => row.stage === "step") ? "step" : rows[0]?.stage;
  const values = rows.filter((row) => row.stage === stage);
  const y = { field: "name", type: "nominal", sort: null, axis: { title: null } } as const;
  const title = `seconds, ${stage && stageNames[stage]}`;
  const { spec } = compile({
    background: "white",
    padding: 12,
    title: heading,
    data: { values: values.map(({ name, least, median: middle, most }) => ({ name, least, median: middle, most })) },
    width: 480,
    height: { step: 32 },
    layer: [
      { mark: "bar", encoding: { y, x: { field: "median", type: "quantitative", title } } },
      { mark: "rule", encoding: { y, x: { field: "least", type: "quantitative" }, x2: { field: "most" } } },
    ],
  });
  return new View(parse(spec), { renderer: "none" }).toSVG();
}
