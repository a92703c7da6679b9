import {
  LatentKitError,
  type LatentKitErrorCode,
  type ModelGraph,
  ndarray,
  type Tensor,
  tensor,
} from "@latentkit/core";
import type { Backend, Session, Value } from "./backend.js";
import { alone, everyType, identities, linear, linearWithFile, memoryFile } from "./toy-networks.js";

/** One promise of the backend contract. */
export interface BackendCheck {
  /** What the backend does: `"reads views in their own order"`. */
  readonly name: string;
  /** Rejects when the backend breaks the promise. */
  run(backend: Backend): Promise<void>;
}

/**
 * Every promise of the `Backend` contract, as checks for any test framework. They run toy networks, and leave no
 * session open.
 *
 * @example
 * ```ts
 * const backend = await onnxruntimeNode({ device: "cpu" });
 * for (const check of backendChecks) await check.run(backend);
 * ```
 */
export const backendChecks: readonly BackendCheck[] = [
  check("names its inputs and outputs", linear(), async ({ inputs, outputs }) => {
    equal(inputs, [{ name: "x", type: "float32", shape: ["batch", 3] }], "inputs");
    equal(
      outputs.map(({ name }) => name),
      ["y", "z"],
      "names of the outputs",
    );
    equal(outputs[0]?.shape, ["batch", 2], "shape of y");
  }),
  check("computes", linear(), async (session) => {
    const { y, z } = await session.run({ x: rows() });
    equal(y?.shape, [2, 2], "shape of y");
    equal(values(y), [22, 28, 49, 64], "y = x · w");
    equal(values(z), [1, 2, 3, 4, 5, 6], "z = relu(x)");
  }),
  check("returns only the outputs asked for", linear(), async (session) => {
    equal(Object.keys(await session.run({ x: rows() }, ["z"])), ["z"], "names of the results");
  }),
  check("leaves what it is fed to the caller", linear(), async (session) => {
    const x = rows();
    const first = session.run({ x });
    x.data.fill(0);
    equal(values((await first).y), [22, 28, 49, 64], "y, with x changed after the call");
    equal(values(x), [0, 0, 0, 0, 0, 0], "x afterwards");
  }),
  check("is fed a part of a larger buffer", linear(), async (session) => {
    const { data } = rows();
    const larger = new Float32Array(10);
    larger.set(data, 2);
    const { y } = await session.run({ x: tensor(larger.subarray(2, 8), [2, 3]) });
    equal(values(y), [22, 28, 49, 64], "y");
    equal(larger.length, 10, "length of the larger buffer");
  }),
  check("reads views in their own order", linear(), async (session) => {
    const transposed = tensor(Float32Array.from([1, 4, 2, 5, 3, 6]), [3, 2]).transpose(1, 0);
    equal(values((await session.run({ x: transposed })).y), [22, 28, 49, 64], "y");
  }),
  check("carries every element type", identities(), async (session) => {
    const feeds = samples();
    const results = await session.run(feeds);
    for (const type of everyType) {
      equal(results[`${type}_out`]?.data.constructor.name, feeds[type]?.data.constructor.name, `array of ${type}`);
      equal(values(results[`${type}_out`]), values(feeds[type]), type);
    }
  }),
  check("takes weights from a file, at an offset", fileModel(), async (session) => {
    equal(values((await session.run({ x: rows() })).y), [22, 28, 49, 64], "y");
  }),
  {
    name: "opens the same weight file twice",
    async run(backend) {
      const model = fileModel();
      await withSession(backend, model, async () => undefined);
      await withSession(backend, model, async (session) => {
        equal(values((await session.run({ x: rows() })).y), [22, 28, 49, 64], "y");
      });
    },
  },
  check("lets runs wait for each other", linear(), async (session) => {
    const results = await Promise.all([1, 2, 3].map((scale) => session.run({ x: rows(scale) })));
    equal(
      results.map(({ y }) => values(y)),
      [
        [22, 28, 49, 64],
        [44, 56, 98, 128],
        [66, 84, 147, 192],
      ],
      "y of each run",
    );
  }),
  check("refuses feeds that do not fit", linear(), async (session) => {
    await rejects(session.run({}), "TypeError", '"x" is missing');
    await rejects(session.run({ x: rows(), mask: rows() }), "TypeError", 'no input "mask"');
    await rejects(session.run({ x: ndarray(Int32Array.of(1, 2, 3), [1, 3]) }), "TypeError", '"x" is float32');
    await rejects(
      session.run({ x: tensor(new Float32Array(3), [3]) }),
      "RangeError",
      '"x": expected shape [batch, 3], got [3]',
    );
    await rejects(session.run({ x: tensor(new Float32Array(8), [2, 4]) }), "RangeError", "got [2, 4]");
  }),
  check("refuses outputs that it does not have", linear(), async (session) => {
    await rejects(session.run({ x: rows() }, ["noise"]), "RangeError", '"noise"');
    await rejects(session.run({ x: rows() }, []), "RangeError", "at least one");
  }),
  {
    name: "refuses bytes that are no network",
    run: (backend) => fails(backend.createSession(alone(Uint8Array.of(1, 2, 3))), "invalid-checkpoint"),
  },
  {
    name: "finishes a run before it disposes, and disposes once",
    async run(backend) {
      const session = await backend.createSession(alone(linear()));
      const run = session.run({ x: rows() });
      await Promise.all([session.dispose(), session.dispose()]);
      equal(values((await run).y), [22, 28, 49, 64], "y of the run under way");
      await session.dispose();
      await fails(session.run({ x: rows() }), "disposed");
    },
  },
  {
    name: "keeps results for other sessions, where it keeps any",
    async run(backend) {
      const [first, second] = [await keeping(backend), await keeping(backend)];
      try {
        if (!first.keep || !second.keep) return;
        const { z } = await first.keep({ x: rows(2) }, ["z"]);
        equal([z?.type, z?.shape], ["float32", [2, 3]], "what is kept");
        const { y } = await second.keep({ x: z! });
        equal(values(await y?.read()), [44, 56, 98, 128], "y of the session that was fed z");
        equal(values((await second.run({ x: z! })).y), [44, 56, 98, 128], "y of a run that was fed z");
        equal(values(await z?.read()), [2, 4, 6, 8, 10, 12], "z, read after that");
        await rejects(second.keep({ x: y! }), "RangeError", '"x": expected shape [batch, 3], got [2, 2]');
        await Promise.all([z, z, y].map((value) => value?.dispose()));
        await fails(second.keep({ x: z! }), "device-lost");
        equal(values((await second.run({ x: rows() })).y), [22, 28, 49, 64], "y of a run that keeps nothing");
      } finally {
        await Promise.all([first.dispose(), second.dispose()]);
      }
    },
  },
  {
    name: "keeps one session when another is disposed",
    run: (backend) =>
      withSession(backend, alone(linear()), async (kept) => {
        await withSession(backend, alone(linear()), async () => undefined);
        equal(values((await kept.run({ x: rows() })).y), [22, 28, 49, 64], "y");
      }),
  },
];

const keeping = (backend: Backend): Promise<Session> => backend.createSession(alone(linear()), { keeps: true });

function check(name: string, model: Uint8Array | ModelGraph, use: (session: Session) => Promise<void>): BackendCheck {
  const graph = model instanceof Uint8Array ? alone(model) : model;
  return { name, run: (backend) => withSession(backend, graph, use) };
}

async function withSession(
  backend: Backend,
  model: ModelGraph,
  use: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await backend.createSession(model);
  try {
    await use(session);
  } finally {
    await session.dispose();
  }
}

function fileModel(): ModelGraph {
  const { graph, bytes } = linearWithFile("weights.safetensors");
  return {
    graph,
    externalFiles: [{ location: "weights.safetensors", file: memoryFile("weights.safetensors", bytes) }],
  };
}

/** `[[1, 2, 3], [4, 5, 6]]` times `scale`. */
function rows(scale = 1): Tensor {
  return tensor(
    Float32Array.of(1, 2, 3, 4, 5, 6).map((value) => value * scale),
    [2, 3],
  );
}

function samples(): Record<string, Value> {
  return {
    float32: ndarray(Float32Array.of(-1.5, 2 ** -20), [2]),
    // 1, -2 and the smallest subnormal number as bits
    float16: ndarray(Uint16Array.of(0x3c00, 0xc000, 0x0001), [3]),
    int32: ndarray(Int32Array.of(-(2 ** 31), 7), [2]),
    int64: ndarray(BigInt64Array.of(-(2n ** 63n), 7n), [2]),
    uint8: ndarray(Uint8Array.of(0, 255), [2]),
    bool: ndarray(Uint8Array.of(0, 1, 1), [3]),
  };
}

function values(value: Value | undefined): (number | string)[] {
  return value === undefined
    ? []
    : Array.from<number | bigint, number | string>(value.data, (x) => (typeof x === "bigint" ? `${x}` : x));
}

function equal(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${what}: expected ${wanted}, got ${found}`);
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error(`expected a rejection with an Error, got ${String(error)}`);
}

async function rejects(promise: Promise<unknown>, name: "TypeError" | "RangeError", message: string): Promise<void> {
  const error = await errorOf(promise);
  equal(error.name, name, `error "${error.message}"`);
  if (!error.message.includes(message)) throw new Error(`expected a message with ${message}, got ${error.message}`);
}

async function fails(promise: Promise<unknown>, code: LatentKitErrorCode): Promise<void> {
  const error = await errorOf(promise);
  equal(LatentKitError.isInstance(error) ? error.code : error.name, code, `error "${error.message}"`);
}
