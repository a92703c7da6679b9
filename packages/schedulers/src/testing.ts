import { type Tensor, tensor, torchRandom, weightedSum } from "@latentkit/core";
import { restoreState, saveState } from "./saved-state.js";
import type { Plan, PlanOptions, SamplerState, SchedulerClass, SchedulerConfig } from "./scheduler.js";

/** A scheduler class under test. */
export interface SchedulerSubject<Options extends object> {
  readonly schedulerClass: SchedulerClass<Options>;
  /** Options under which a perfect ε network is recovered: no clipping, a last level without noise. */
  readonly options?: Options;
  /** What a network that knows the clean sample returns. @default the noise of the moment */
  readonly perfectOutput?: (moment: PerfectMoment) => Tensor;
  /** Checks that do not hold, each with the reason. */
  readonly skip?: Partial<Record<SchedulerCheckName, string>>;
}

/** A noisy sample, alpha · clean + sigma · noise, and what it is made of. */
export interface PerfectMoment {
  readonly sample: Tensor;
  readonly clean: Tensor;
  readonly noise: Tensor;
  readonly alpha: number;
  readonly sigma: number;
}

/** What vitest, jest, mocha and node:test have in common. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  readonly it: ((name: string, body: () => void) => unknown) & { skip(name: string, body: () => void): unknown };
}

/**
 * Registers the tests that every scheduler passes; failures are plain errors, so any runner will do.
 *
 * @example
 * ```ts
 * import { EulerDiscreteScheduler } from "@latentkit/schedulers";
 * import { testScheduler } from "@latentkit/schedulers/testing";
 * import { describe, it } from "vitest";
 *
 * testScheduler({ schedulerClass: EulerDiscreteScheduler }, { describe, it });
 * ```
 */
export function testScheduler<Options extends object>(
  subject: SchedulerSubject<Options>,
  { describe, it }: TestRunner,
): void {
  describe(subject.schedulerClass.name, () => {
    for (const [name, check] of Object.entries(schedulerChecks)) {
      const reason = new Map(Object.entries(subject.skip ?? {})).get(name);
      if (reason === undefined) it(name, () => check(subject));
      else it.skip(`${name}: ${reason}`, () => check(subject));
    }
  });
}

/** Throws when a scheduler class does not hold to the contract. */
export type SchedulerCheck = <Options extends object>(subject: SchedulerSubject<Options>) => void;

const shape = [2, 4, 3, 5];
const steps = 7;

/** The checks by name, for runners of another kind. */
export const schedulerChecks: Readonly<Record<SchedulerCheckName, SchedulerCheck>> = {
  "leaves its inputs as they were": (subject) => {
    const plan = planOf(subject);
    const inputs = [normal(1), normal(2)] as const;
    const before = inputs.map(({ data }) => data.slice());
    const state = plan.startFrom(...inputs);
    const saved = JSON.stringify(saveState(state));
    plan.step(state, inputs[1], torchRandom(3));
    plan.scaleModelInput(state);
    plan.addNoise(...inputs, 1);
    ensure(JSON.stringify(saveState(state)) === saved, "step changed the state it was given");
    ensure(
      inputs.every(({ data }, i) => equal(data, before[i]!)),
      "an input was changed",
    );
  },
  "runs interleaved as it runs alone": (subject) => {
    const plan = planOf(subject);
    const alone = [1, 2].map((seed) => run(plan, plan.start(normal(seed)), seed).sample);
    const randoms = [1, 2].map((seed) => torchRandom(seed));
    let states = [1, 2].map((seed) => plan.start(normal(seed)));
    for (const t of plan.timesteps) {
      states = states.map((state, i) => plan.step(state, network(plan.scaleModelInput(state), t), randoms[i]));
    }
    ensure(
      states.every(({ sample }, i) => equal(sample.data, alone[i]!.data)),
      "two runs of one plan disturbed each other",
    );
  },
  "recovers the sample of a perfect network": (subject) => recovers(subject, planOf(subject)),
  "recovers it from half-way too": (subject) => recovers(subject, planOf(subject, { strength: 0.5 })),
  "continues a saved state bit for bit": (subject) => {
    const plan = planOf(subject);
    const random = torchRandom(1);
    let state = plan.start(normal(1));
    for (let at = 0; at < plan.timesteps.length; at++) {
      const restored = restoreState(JSON.parse(JSON.stringify(saveState(state))));
      const saved = random.save();
      const output = network(plan.scaleModelInput(state), plan.timesteps[at]!);
      state = plan.step(state, output, random);
      const again = plan.step(restored, output, torchRandom(saved));
      ensure(
        JSON.stringify(saveState(again)) === JSON.stringify(saveState(state)),
        `step ${at} differs after a round trip`,
      );
    }
  },
  "returns frozen values": (subject) => {
    const plan = planOf(subject);
    const state = plan.step(plan.start(normal(1)), normal(2), torchRandom(3));
    const values = [plan, plan.timesteps, plan.sigmas ?? plan, state, new subject.schedulerClass().config];
    ensure(values.every(Object.isFrozen), "a plan, state or config is not frozen");
  },
  "ends after its last timestep": (subject) => {
    const plan = planOf(subject);
    const last = run(plan, plan.start(normal(1)), 1);
    ensure(last.index === plan.timesteps.length, `the index ends at ${last.index}, not ${plan.timesteps.length}`);
    throws(RangeError, () => plan.step(last, normal(2), torchRandom(1)));
    throws(RangeError, () => plan.state(normal(1), plan.timesteps.length));
    throws(RangeError, () => plan.step(plan.start(normal(1)), torchRandom(1).normal([2, 4, 5, 3]), torchRandom(1)));
  },
  "hands its config on": ({ schedulerClass, options }) => {
    const { config } = new schedulerClass(options);
    const read = (source: SchedulerConfig): string => canonical(schedulerClass.fromConfig(source).config);
    ensure(read(JSON.parse(JSON.stringify(config))) === canonical(config), "the config changed in a round trip");
    ensure(read({ ...config, of_another_class: [1] }).includes("of_another_class"), "an unknown key was lost");
  },
  "rejects bad options": (subject) => {
    const { schedulerClass } = subject;
    const create = (options: object): unknown => Reflect.construct(schedulerClass, [options]);
    throws(TypeError, () => create({ noSuchOption: 1 }));
    throws(RangeError, () => create({ numTrainTimesteps: 0 }));
    throws(TypeError, () => create({ numTrainTimesteps: "1000" }));
    if ("beta_schedule" in new schedulerClass().config)
      throws(RangeError, () => create({ betaSchedule: "no such schedule" }));
    for (const numInferenceSteps of [0, -1, 1.5, Number.NaN, 1001])
      throws(RangeError, () => planOf(subject, { numInferenceSteps }));
    for (const strength of [0, -0.1, 1.1, Number.NaN, 0.01]) throws(RangeError, () => planOf(subject, { strength }));
    throws(TypeError, () => new schedulerClass(subject.options).plan({}));
    throws(TypeError, () => planOf(subject, { timesteps: [999, 1], sigmas: [1, 0] }));
  },
};

/** The name of a check. */
export type SchedulerCheckName =
  | "leaves its inputs as they were"
  | "runs interleaved as it runs alone"
  | "recovers the sample of a perfect network"
  | "recovers it from half-way too"
  | "continues a saved state bit for bit"
  | "returns frozen values"
  | "ends after its last timestep"
  | "hands its config on"
  | "rejects bad options";

function planOf<Options extends object>(
  { schedulerClass, options }: SchedulerSubject<Options>,
  asked: PlanOptions = {},
): Plan {
  return new schedulerClass(options).plan({ numInferenceSteps: steps, ...asked });
}

function recovers<Options extends object>({ perfectOutput }: SchedulerSubject<Options>, plan: Plan): void {
  const clean = tensor(normal(5).data.map(Math.sin), shape);
  const random = torchRandom(6);
  let state = plan.startFrom(clean, normal(7));
  while (state.index < plan.timesteps.length) {
    const moment = momentOf(plan, state, clean);
    state = plan.step(state, perfectOutput?.(moment) ?? moment.noise, random);
  }
  const worst = Math.max(...state.sample.data.map((value, i) => Math.abs(value - clean.data[i]!)));
  ensure(worst < 1e-4, `the sample is off by ${worst}`);
}

function run(plan: Plan, start: SamplerState, seed: number): SamplerState {
  const random = torchRandom(seed);
  return plan.timesteps.reduce((state, t) => plan.step(state, network(plan.scaleModelInput(state), t), random), start);
}

function normal(seed: number): Tensor {
  return torchRandom(seed).normal(shape);
}

/** Any smooth function of sample and timestep. */
function network({ data, shape: size }: Tensor, t: number): Tensor {
  return tensor(
    data.map((x) => 0.7 * Math.sin(2 * x) + 0.1 * Math.cos(t / 100)),
    size,
  );
}

/** What a sample is made of, from the level that `addNoise` shows. */
function momentOf(plan: Plan, { index, sample }: SamplerState, clean: Tensor): PerfectMoment {
  const [one, zero] = [1, 0].map((value) => tensor(Float32Array.of(value), [1, 1, 1, 1]));
  const alpha = plan.addNoise(one!, zero!, index).data[0]!;
  const sigma = plan.addNoise(zero!, one!, index).data[0]!;
  const noise = weightedSum([
    [1 / sigma, sample],
    [-alpha / sigma, clean],
  ]);
  return { sample, clean, noise, alpha, sigma };
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

function canonical(config: SchedulerConfig): string {
  return JSON.stringify(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function ensure(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

function throws(expected: typeof RangeError | typeof TypeError, body: () => unknown): void {
  let caught: unknown;
  try {
    body();
  } catch (error) {
    caught = error;
  }
  if (!(caught instanceof expected))
    throw new Error(`expected a ${expected.name}, got ${String(caught)}`, { cause: caught });
}
