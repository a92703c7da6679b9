import { isRemote, ndarray, remoteTerms, type Tensor, type Term, tensor } from "@latentkit/core";
import type { Backend, KeptValue, Session } from "@latentkit/runtime";
import { keptPart, keptTensors } from "./kept-tensor.js";
import { type SumForm, sumGraph, sumNames } from "./sum-graph.js";
import type { TensorDevice } from "./tensor-device.js";

/** Where a leaf's values are: a row of an input. */
interface Leaves {
  readonly inputs: readonly (KeptValue | Tensor)[];
  readonly parts: readonly number[];
  /** The row of each leaf in all the inputs together. */
  readonly rows: ReadonlyMap<Tensor, number>;
  /** Rows in all. */
  readonly count: number;
}

/** Sums on a backend that keeps values. Networks of sums are opened as they are needed, one for each form. */
export function deviceSums(backend: Backend): TensorDevice {
  const sessions = new Map<string, Promise<Session>>();

  function session(form: SumForm): Promise<Session> {
    const key = JSON.stringify(form);
    const opened = sessions.get(key) ?? backend.createSession(sumGraph(form), { keeps: true });
    sessions.set(key, opened);
    opened.catch(() => sessions.delete(key));
    return opened;
  }

  return {
    isReady: async () => (await session({ parts: [1], copies: [1] })).keep !== undefined,
    async compute(wanted) {
      const sums = wanted.map(({ value }) => remoteTerms(value));
      const leaves = leavesOf(sums);
      const { inputs, parts } = leaves;
      const copies = wanted.map(({ copies: times = 1 }) => times);
      const { keep } = await session({ parts, copies });
      if (!keep) throw new TypeError("backend: expected one whose sessions keep their results");
      const shape = ndarray(BigInt64Array.from(wanted[0]?.value.shape ?? [], BigInt), [4]);
      const entries = [
        ...inputs.map((input, i) => [sumNames.input(i), input] as const),
        ...sums.map((terms, j) => [sumNames.weights(j), weightsOf(terms, leaves)] as const),
        [sumNames.shape, shape] as const,
      ];
      const results = await keep(Object.fromEntries(entries));
      return wanted.map((_, j) => keptTensors(results[sumNames.output(j)]!)[0]!);
    },
    async free(tensors, needed = []) {
      const kept = keptIn(tensors);
      for (const value of keptIn(needed)) kept.delete(value);
      await Promise.all([...kept].map((value) => value.dispose()));
    },
    async dispose() {
      const opened = [...sessions.values()];
      sessions.clear();
      await Promise.all(opened.map(async (one) => (await one).dispose()));
    },
  };
}

const keptIn = (tensors: readonly Tensor[]): Set<KeptValue> =>
  new Set(tensors.flatMap((value) => keptPart(value)?.kept ?? []));

/** Every tensor that sums are made of, once. */
function leavesOf(sums: readonly (readonly Term[])[]): Leaves {
  const leaves = new Set(sums.flatMap((terms) => terms.map(([, leaf]) => leaf)));
  const rows = new Map<Tensor, number>();
  const inputs: (KeptValue | Tensor)[] = [];
  const parts: number[] = [];
  const firstRows = new Map<KeptValue, number>();
  let count = 0;
  for (const leaf of leaves) {
    const place = keptPart(leaf);
    if (!place && isRemote(leaf)) throw new TypeError("a tensor of another device: expected one of this network's");
    const known = place && firstRows.get(place.kept);
    rows.set(leaf, (known ?? count) + (place?.part ?? 0));
    if (known !== undefined) continue;
    if (place) firstRows.set(place.kept, count);
    inputs.push(place?.kept ?? leaf);
    parts.push(place?.parts ?? 1);
    count += place?.parts ?? 1;
  }
  return { inputs, parts, rows, count };
}

function weightsOf(terms: readonly Term[], { rows, count }: Leaves): Tensor {
  const weights = new Float32Array(count);
  for (const [weight, leaf] of terms) weights[rows.get(leaf)!] = weight;
  return tensor(weights, [count, 1]);
}
