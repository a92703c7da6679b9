// The benchmark's arithmetic on made-up measurements; what it measures is not for tests.
import { describe, expect, it } from "vitest";
import type { Measurements } from "../benchmarks/measure-speed.js";
import { type SpeedOptions, speedOptions } from "../benchmarks/speed-options.js";
import { plotOf, reportOf, tableOf } from "../benchmarks/speed-report.js";
import { programRunner, toldSeconds } from "../benchmarks/speed-runners.js";

function settled(...args: string[]): SpeedOptions {
  const options = speedOptions(args);
  if ("help" in options) throw new TypeError("help was not asked for");
  return options;
}

describe("options", () => {
  it("have defaults, and take programs with any command", () => {
    expect(settled()).toMatchObject({ model: "sd15", pixels: 256, rounds: 5, device: "cpu", stored: "fp32" });
    const { compared, stages } = settled("--compare", "a=run --x=1", "--compare", "b=c", "--stages", "step,decode");
    expect(compared).toEqual([
      { name: "a", command: "run --x=1" },
      { name: "b", command: "c" },
    ]);
    expect(stages).toEqual(["step", "decode"]);
    expect(speedOptions(["--help"])).toEqual({ help: expect.stringContaining("--compare") });
  });

  it.each([
    [["--size", "100"], "--size: expected a positive multiple of 64, got 100"],
    [["--rounds", "0"], "--rounds: expected a positive integer, got 0"],
    [["--model", "sd3"], "--model: expected one of sd15, sd21, sdxl, got sd3"],
    [["--stages", "unet"], "--stages: expected one of text, step, decode, got unet"],
    [["--compare", "=x"], '--compare: expected "name=command", got =x'],
    [["--compare", "a=b", "--stages", "text"], "--stages: expected step beside --compare, got text"],
  ])("%j is refused", (args, message) => expect(() => speedOptions(args)).toThrow(new RangeError(message)));
});

describe("other programs", () => {
  const place = { folder: "/models/a b", pixels: 192 };

  it("tell their times, or are timed as a whole", () => {
    expect(toldSeconds("step=1.5 text=2\nstep=0.25\n", 9)).toEqual({ step: 0.25, text: 2 });
    expect(toldSeconds("seconds=3", 9)).toEqual({ step: 3 });
    expect(toldSeconds("1.5 seconds", 9)).toEqual({ step: 9 });
  });

  it("are told the folder and the size", async () => {
    const print = `node -e "console.log('decode=' + process.env.LATENTKIT_SIZE + '.' + process.env.LATENTKIT_FOLDER.length)"`;
    expect(await programRunner({ name: "a", command: print }, place).run()).toEqual({ decode: 192.11 });
    await expect(programRunner({ name: "a", command: "exit 3" }, place).run()).rejects.toThrow(
      "--compare a: expected exit code 0, got 3",
    );
  });
});

describe("the report", () => {
  const rates = [
    { operations: 100, bandwidth: 10 },
    { operations: 50, bandwidth: 10 },
    { operations: 100, bandwidth: 5 },
  ];
  const costs = (multiplyAdds: number, weightBytes: number) => ({ multiplyAdds, weightBytes, activationBytes: 0 });
  const measurements: Measurements = {
    rows: [
      { stage: "step", name: "ours", seconds: [3, 6, 4], peak: 1.5, costs: costs(50, 5), rates },
      { stage: "step", name: "unfused", seconds: [4, 8, 8], peak: 1, costs: costs(100, 30), rates },
      { stage: "step", name: "other", seconds: [6, 24, 16], rates },
    ],
    inTurn: true,
  };
  const report = reportOf(settled("--model", "sdxl", "--size", "320"), measurements);

  it("compares round by round", () => {
    const [ours, unfused, other] = report.rows;
    // floors of 1, 2 and 1 s by operations of ours; of 3, 4 and 6 s by weights and operations of the unfused
    expect(ours).toMatchObject({ median: 4, least: 3, most: 6, ofUnfused: 0.75, ofFloor: 3, ofDirectFloor: 1 });
    expect(unfused).toMatchObject({ median: 8, ofUnfused: 1, ofFloor: 4 / 3, ofDirectFloor: 4 / 3 });
    expect(other).toMatchObject({ median: 16, ofUnfused: 2, ofFloor: undefined });
    expect(report.operationRate).toEqual({ least: 50, median: 100, most: 100 });
  });

  it("is a table that names the device, and a picture", async () => {
    const table = tableOf(report);
    expect(table).toMatch(/^Stable Diffusion XL, 320×320, fp32, on cpu: \d+ × .*, \d+ GB\n/);
    expect(table).toContain(
      "| guided step, ours | 4.000 s | 3.000 to 6.000 s | 1.50 GB | 0 billion | 0.75 | 3.00 | 1.00 |",
    );
    expect(table).toContain("| guided step, other | 16.000 s | 6.000 to 24.000 s |  |  | 2.00 |  |  |");
    expect(table).toContain("guided step: ours takes 0.25 of what other does.");
    const plot = await plotOf(report);
    expect(plot).toMatch(/^<svg /);
    for (const text of ["ours", "unfused", "other", "seconds, guided step"]) expect(plot).toContain(text);
  });
});
