import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import {
  EulerDiscreteScheduler,
  type GenerateOptions,
  LatentKitError,
  RgbaImage,
  StableDiffusionPipeline,
  type Step,
  torchRandom,
} from "latentkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { runModule } from "../../../tests/run-module.js";
import { connect, createPipelineWorker, type RemotePipeline } from "./worker.js";

const tinySd = `${fixtures}pipelines/tiny-sd`;
// not square, so that height and width cannot be taken for each other
const apple = { prompt: "a red apple", seed: 3, height: 40, width: 64, numInferenceSteps: 3 } as const;

let here: StableDiffusionPipeline;
let there: RemotePipeline<GenerateOptions>;
const worker = createPipelineWorker();
beforeAll(async () => {
  here = await StableDiffusionPipeline.fromPretrained(tinySd, { device: "cpu" });
  there = await worker.pipeline("StableDiffusionPipeline").fromPretrained(tinySd, { device: "cpu" });
}, 60_000);
afterAll(() => Promise.all([here.dispose(), worker.dispose()]));

async function failure(run: Promise<unknown>): Promise<unknown> {
  return run.then(
    () => "no error",
    (error: unknown) => error,
  );
}

describe("a pipeline in a worker", () => {
  it("draws what one on this thread draws", async () => {
    const result = await there.generate(apple);
    expect(result).toEqual(await here.generate(apple));
    expect(result.images[0]).toBeInstanceOf(RgbaImage);
    expect(result.latents.shape).toEqual([1, 4, 5, 8]);
    expect([there.name, there.device]).toEqual(["StableDiffusionPipeline", "cpu"]);
  });

  it("leaves this thread free meanwhile", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await there.generate(apple);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
  });

  it("streams the same steps", async () => {
    const steps = async (pipe: Pick<typeof there, "stream">) => {
      const told: Omit<Step, "preview">[] = [];
      const run = pipe.stream(apple);
      let next = await run.next();
      for (; !next.done; next = await run.next()) {
        const { preview: _, ...step } = next.value;
        told.push(step);
      }
      return { told, result: next.value };
    };
    expect(await steps(there)).toEqual(await steps(here));
  });

  it("shows its steps, also when the run is over", async () => {
    const shown: unknown[] = [];
    const last: Step[] = [];
    const onStep = async (step: Step) => {
      shown.push(await step.preview(), await step.preview({ method: "vae" }));
      last[0] = step;
    };
    await here.generate({ ...apple, onStep });
    const expected = shown.splice(0);
    await there.generate({ ...apple, onStep });
    expect(shown).toEqual(expected);
    expect(await last[0]?.preview({ scale: 1 })).toMatchObject([{ width: 8, height: 5 }]);
    await there.generate({ ...apple, numInferenceSteps: 1 });
    expect(await failure(last[0]!.preview())).toEqual(
      new RangeError("step: another run has begun since; show steps before"),
    );
  });

  it("goes on from latents that onStep returns, or that are handed to next", async () => {
    const other = torchRandom(8).normal([1, 4, 5, 8]);
    const run = { ...apple, onStep: ({ index }: Step) => (index === 0 ? other : undefined) };
    expect(await there.generate(run)).toEqual(await here.generate(run));
    const stream = there.stream({ ...apple, outputType: "latent" });
    await stream.next();
    let next = await stream.next(other);
    while (!next.done) next = await stream.next();
    expect(next.value.latents).toEqual((await here.generate({ ...run, outputType: "latent" })).latents);
  });

  it("takes tensors and pictures, and leaves them whole", async () => {
    const latents = torchRandom(5).normal([2, 4, 5, 8]);
    const second = latents.lo(1); // a view of a part
    const run = { ...apple, latents: second, outputType: "tensor" } as const;
    expect(await there.generate(run)).toEqual(await here.generate(run));
    expect(second.data.length).toBe(320);
  });

  it("ends when its loop is left, and the next run is whole", async () => {
    const expected = await there.generate(apple);
    let steps = 0;
    for await (const _ of there.stream(apple)) {
      steps++;
      break;
    }
    expect(steps).toBe(1);
    expect(await there.generate(apple)).toEqual(expected);
  });

  it("makes runs side by side", async () => {
    const runs = [1, 2].map((seed) => ({ ...apple, seed }));
    const alone = [await there.generate(runs[0]!), await there.generate(runs[1]!)];
    expect(await Promise.all(runs.map((run) => there.generate(run)))).toEqual(alone);
  });

  it("changes its sampler", async () => {
    const plain = await there.generate(apple);
    const [{ scheduler }, own] = [there, here.scheduler];
    there.scheduler = EulerDiscreteScheduler.fromConfig(there.scheduler.config);
    here.scheduler = EulerDiscreteScheduler.fromConfig(here.scheduler.config);
    const euler = await there.generate(apple);
    expect(euler).toEqual(await here.generate(apple));
    there.scheduler = scheduler;
    here.scheduler = own;
    expect(await there.generate(apple)).toEqual(plain);
  });

  it("lends its parts to a pipeline of another class", async () => {
    const text = await worker.fromPretrained(tinySd, { device: "cpu", scheduler: new EulerDiscreteScheduler() });
    const picture = await worker.pipeline("StableDiffusionPipeline").fromPipe(text);
    expect(picture.scheduler.config).toMatchObject({ _class_name: "EulerDiscreteScheduler" });
    await picture.dispose();
    expect((await text.generate(apple)).images).toHaveLength(1);
    await text.dispose();
    const stranger = { ...there };
    expect(await failure(worker.pipeline("StableDiffusionPipeline").fromPipe(stranger))).toEqual(
      new TypeError("pipe: expected a pipeline of the same worker"),
    );
    // @ts-expect-error: no such class
    expect(String(await failure(worker.pipeline("FluxPipeline").fromPretrained(tinySd)))).toMatch(
      /^RangeError: name: expected one of .*StableDiffusionPipeline.*, got "FluxPipeline"$/,
    );
  });

  it("tells of warnings as they come", async () => {
    const run = { ...apple, prompt: "apple ".repeat(90) };
    const warnings: unknown[] = [];
    const { warnings: told } = await there.generate({ ...run, onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toEqual(told);
    expect(told).toMatchObject([{ code: "prompt-truncated" }]);
  });
});

describe("a batch in a worker", () => {
  const options = { seed: 3, height: 40, width: 64, numInferenceSteps: 2 } as const;
  const prompts = ["a cat", { prompt: "a red apple", seed: 5 }, "a house"];

  async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
    const list: Item[] = [];
    for await (const item of items) list.push(item);
    return list;
  }

  /** A source of prompts that writes down how far it was read, and whether it was told to stop. */
  function watchedSource() {
    const seen = { read: 0, closed: false };
    async function* source() {
      try {
        for (const prompt of prompts) {
          seen.read++;
          yield prompt;
        }
      } finally {
        seen.closed = true;
      }
    }
    return { seen, source: source() };
  }

  it.each([1, 2])("gives what one on this thread gives, in order, %i together", async (batchSize) => {
    const common = { ...options, batchSize };
    const expected = await all(here.batch(prompts, common));
    expect(await all(there.batch(prompts, common))).toEqual(expected);
    const { seen, source } = watchedSource();
    const results = await all(there.batch(source, common));
    expect(results).toEqual(expected);
    expect(results.map(({ item }) => item)).toEqual(prompts);
    expect(results[1]?.item).toBe(prompts[1]);
    expect(seen).toEqual({ read: 3, closed: true });
    expect(await all(there.batch([]))).toEqual([]);
  });

  it("calls back: of all runs, and of one", async () => {
    const steps: unknown[] = [];
    const tell = (who: string) => async (step: Step) => {
      const [picture] = await step.preview({ scale: 1 });
      steps.push([who, step.index, step.latents.shape, picture?.width]);
    };
    const long = "apple ".repeat(90);
    const warnings: string[] = [];
    const run = { ...options, onStep: tell("all"), onWarning: ({ code }: { code: string }) => warnings.push(code) };
    await all(there.batch([{ prompt: long, onStep: tell("one") }, "a cat"], run));
    // PNDM looks at its first step twice
    const indices = [0, 1, 2];
    expect(steps).toEqual(["one", "all"].flatMap((who) => indices.map((index) => [who, index, [1, 4, 5, 8], 8])));
    expect(warnings).toEqual(["prompt-truncated"]);
    const other = torchRandom(8).normal([1, 4, 5, 8]);
    const changing = { ...options, onStep: ({ index }: Step) => (index === 0 ? other : undefined) };
    expect(await all(there.batch(["a cat"], changing))).toEqual(await all(here.batch(["a cat"], changing)));
  });

  it("reads no further ahead than it is told", async () => {
    for (const [lookAhead, read] of [[0, 1] as const, [2, 3] as const]) {
      const { seen, source } = watchedSource();
      const run = there.batch(source, { ...options, lookAhead });
      await run.next();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(seen.read).toBeLessThanOrEqual(read);
      await run.return();
      expect(seen.closed).toBe(true);
    }
  });

  it("throws the error of a prompt in its place, and leaves it out where somebody is told", async () => {
    const bad = { prompt: "a dog", height: 50 };
    const message = "height: expected a positive multiple of 8 pixels, got 50";
    const run = there.batch(["a cat", bad, "a cow"], options);
    expect((await run.next()).value).toMatchObject({ index: 0, item: "a cat" });
    await expect(run.next()).rejects.toEqual(new RangeError(message));
    expect((await run.next()).done).toBe(true);
    const failures: unknown[] = [];
    const onError = (error: unknown, failed: object) => failures.push(error, failed);
    const results = await all(there.batch(["a cat", bad, "a cow"], { ...options, onError }));
    expect(results.map(({ index }) => index)).toEqual([0, 2]);
    expect(failures).toEqual([new RangeError(message), { index: 1, item: bad }]);
  });

  it("ends with what its callbacks and its source throw", async () => {
    const reason = new Error("no more ideas");
    const fail = () => {
      throw reason;
    };
    const bad = { prompt: "a dog", height: 50 };
    await expect(all(there.batch([bad, "a cat"], { ...options, onError: fail }))).rejects.toBe(reason);
    await expect(all(there.batch(["a cat"], { ...options, onStep: fail }))).rejects.toEqual(reason);
    async function* failing() {
      yield "a cat";
      throw reason;
    }
    const run = there.batch(failing(), options);
    expect((await run.next()).value).toMatchObject({ index: 0 });
    await expect(run.next()).rejects.toBe(reason);
    const { random } = { random: torchRandom(1) };
    // @ts-expect-error: cannot be sent
    await expect(all(there.batch(["a cat", { prompt: "a dog", random }], options))).rejects.toThrow(
      /^prompts\[1\]\.random\.\w+: expected something that can be sent to a worker/,
    );
  });

  it("ends between two steps when the signal says so, also one whose source never answers", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const reason = { why: () => "any value" };
    const onStep = () => controller.abort(reason);
    await expect(all(there.batch(prompts, { ...options, numInferenceSteps: 50, signal, onStep }))).rejects.toBe(reason);
    await expect(there.batch(prompts, { ...options, signal }).next()).rejects.toBe(reason);
    const waiting = new AbortController();
    const endless = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const next = there.batch(endless, { ...options, signal: waiting.signal }).next();
    setTimeout(() => waiting.abort(reason), 20);
    await expect(next).rejects.toBe(reason);
    expect(await all(there.batch(["a cat"], options))).toHaveLength(1);
  });

  it("hands a picture out while it waits for the next prompt", async () => {
    let answer = () => {};
    async function* slow() {
      yield "a cat";
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      yield "a dog";
    }
    const run = there.batch(slow(), { ...options, batchSize: 2 });
    expect((await run.next()).value).toMatchObject({ index: 0, item: "a cat" });
    answer();
    expect((await run.next()).value).toMatchObject({ index: 1, item: "a dog" });
    expect((await run.next()).done).toBe(true);
  });

  it("refuses what it cannot do", async () => {
    // @ts-expect-error: a text
    expect(() => there.batch(prompts, { onError: "skip" })).toThrow("onError: expected a function, got string");
    await expect(there.batch(prompts, { ...options, batchSize: 0 }).next()).rejects.toEqual(
      new RangeError("batchSize: expected a positive integer, got 0"),
    );
    await expect(there.batch("a cat", options).next()).rejects.toEqual(
      new TypeError('prompts: expected an iterable such as ["a red apple"], got string'),
    );
    // @ts-expect-error: no prompt
    await expect(there.batch([7], options).next()).rejects.toThrow(TypeError);
    const left = await worker.pipeline("StableDiffusionPipeline").fromPipe(there);
    await left.dispose();
    expect(() => left.batch(prompts, options)).toThrow("the pipeline was disposed");
  });
});

describe("an abort", () => {
  it("ends the run after the step, with its reason", async () => {
    const controller = new AbortController();
    const reason = { why: () => "any value" };
    const steps: number[] = [];
    const onStep = ({ index }: Step) => {
      steps.push(index);
      if (index === 1) controller.abort(reason);
    };
    expect(await failure(there.generate({ ...apple, signal: controller.signal, onStep }))).toBe(reason);
    expect(steps).toEqual([0, 1]);
    expect((await there.generate(apple)).images).toHaveLength(1);
  });

  it("between two steps without callbacks ends it too", async () => {
    const controller = new AbortController();
    const run = there.generate({ ...apple, numInferenceSteps: 50, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await failure(run)).toBe(controller.signal.reason);
  });

  it("before anything begins keeps it from beginning", async () => {
    const signal = AbortSignal.abort(new Error("changed my mind"));
    expect(await failure(there.generate({ ...apple, signal }))).toBe(signal.reason);
    expect(await failure(createPipelineWorker().fromPretrained(tinySd, { signal }))).toBe(signal.reason);
  });

  it("ends opening", async () => {
    const controller = new AbortController();
    const opening = worker.fromPretrained(tinySd, { device: "cpu", signal: controller.signal });
    controller.abort(new Error("changed my mind"));
    expect(await failure(opening)).toBe(controller.signal.reason);
  });
});

describe("an error", () => {
  it("is of the class that it has on this thread", async () => {
    const wrong = { ...apple, numInferenceSteps: 0 };
    const expected = await failure(here.generate(wrong));
    expect(expected).toBeInstanceOf(RangeError);
    expect(await failure(there.generate(wrong))).toEqual(expected);
    // @ts-expect-error: no prompt
    const none = [await failure(here.generate({ prompt: 3 })), await failure(there.generate({ prompt: 3 }))];
    expect(none[0]).toBeInstanceOf(TypeError);
    expect(none[1]).toEqual(none[0]);
    // @ts-expect-error: no options
    expect(await failure(there.generate("a red apple"))).toEqual(await failure(here.generate("a red apple")));
  });

  it("keeps its code and its cause", async () => {
    const error = await failure(worker.fromPretrained("./no-such-folder", { device: "cpu" }));
    const expected = await failure(StableDiffusionPipeline.fromPretrained("./no-such-folder", { device: "cpu" }));
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({ code: "file-not-found" });
    expect(String(error)).toBe(String(expected));
  });

  it("of a callback ends the run", async () => {
    const reason = new Error("no more space");
    const onStep = () => {
      throw reason;
    };
    expect(await failure(there.generate({ ...apple, onStep }))).toBe(reason);
    const onWarning = () => {
      throw new RangeError("too many warnings");
    };
    const run = { ...apple, prompt: "apple ".repeat(90), onWarning };
    expect(await failure(there.generate(run))).toEqual(new RangeError("too many warnings"));
    expect((await there.generate(apple)).images).toHaveLength(1);
  });

  it("names what cannot be sent", async () => {
    const { random, ...rest } = { ...apple, random: torchRandom(1) };
    expect(String(await failure(there.generate({ ...rest, ...{ random } })))).toMatch(
      /^TypeError: random\.\w+: expected something that can be sent to a worker, got a function/,
    );
    const { vae } = here.components;
    // @ts-expect-error: a network
    expect(String(await failure(createPipelineWorker().fromPretrained(tinySd, { vae })))).toMatch(
      /^TypeError: vae: expected something that can be sent to a worker, got an instance of AutoencoderKL/,
    );
  });
});

describe("a worker", () => {
  const script = (body: string) => new URL(`data:text/javascript,${encodeURIComponent(body)}`);

  it("of the caller's is connected to, once, and ends with its last pipeline", async () => {
    const worker = new Worker(fileURLToPath(new URL("./pipeline-worker.source.js", import.meta.url)));
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    const first = await connect(worker).fromPretrained(tinySd, { device: "cpu" });
    const second = await connect(worker).pipeline("StableDiffusionPipeline").fromPipe(first);
    await first.dispose();
    expect(await failure(first.generate(apple))).toMatchObject({ code: "disposed" });
    await second.dispose();
    await second.dispose();
    await ended;
    expect(await failure(connect(worker).fromPretrained(tinySd))).toMatchObject({ code: "disposed" });
  });

  it("that fails is told of", async () => {
    for (const [body, message] of [
      ['throw new Error("no such module");', "the worker failed: no such module"],
      ["process.exit(3)", "the worker ended: exit code 3"],
    ] as const) {
      const error = await failure(connect(new Worker(script(body))).fromPretrained(tinySd));
      expect(error).toBeInstanceOf(LatentKitError);
      expect(error).toMatchObject({ code: "run-failed", message });
    }
  });

  it("may be ended while a network runs", async () => {
    const worker = createPipelineWorker();
    const pipe = await worker.fromPretrained(tinySd, { device: "cpu" });
    const run = failure(pipe.generate({ ...apple, numInferenceSteps: 50 }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await worker.dispose();
    expect(await run).toMatchObject({ code: "disposed" });
    expect((await (await worker.fromPretrained(tinySd, { device: "cpu" })).generate(apple)).images).toHaveLength(1);
    await worker.dispose();
  });

  it.each([20, 60, 110])("may be left with its process while a network runs, after %d ms", async (delay) => {
    const program = `
      const { createPipelineWorker } = await import("latentkit/worker");
      const pipe = await createPipelineWorker().fromPretrained(undefined, { device: "cpu" });
      const onStep = ({ index }) => { if (index === 0) setTimeout(() => process.exit(7), ${delay}); };
      await pipe.generate({ prompt: "panda", numInferenceSteps: 50, onStep });`;
    const left = await runModule(program).catch((error: unknown) => error);
    expect(left).toMatchObject({ code: 7, stderr: "" });
  });

  it("leaves latents where they are when nobody looks at the steps", async () => {
    const pipe = await createPipelineWorker().fromPretrained(tinySd, { device: "cpu" });
    const shown: number[] = [];
    const onStep = async (step: Step) => void shown.push((await step.preview()).length);
    const { latents } = await pipe.generate({ ...apple, stepLatents: false, onStep });
    expect(latents).toEqual((await pipe.generate(apple)).latents);
    expect(shown).toEqual(shown.map(() => 1));
    await pipe.dispose();
  });
});
