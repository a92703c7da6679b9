import { isRemote, remoteTerms, type Tensor } from "@latentkit/core";
import type { TensorDevice } from "@latentkit/models";
import type { SamplerState } from "@latentkit/schedulers";
import type { RemoteRun } from "./remote-process.js";
import type { ReverseOptions } from "./reverse-process.js";

/** A sample scaled for the network, and the same once for every prediction of a step. */
export interface StepInputs {
  readonly items: Tensor;
  readonly all: Tensor;
}

/** A state with its tensors on the device, and what the network takes next. */
interface Moment {
  readonly state: SamplerState;
  readonly inputs: StepInputs | undefined;
}

/** The steps from a state on, each with its tensors on the device, where they live until the next one is asked for. */
export async function* remoteSteps(
  run: RemoteRun,
  from: SamplerState,
  { random, signal, until }: ReverseOptions & { readonly until: number },
): AsyncGenerator<SamplerState, void, undefined> {
  const { device, plan, predict } = run;
  const owned = new Set<Tensor>();
  const own = (value: Tensor) => void owned.add(value);
  try {
    let { state, inputs } = await settled(run, from, plan.scaleModelInput(from), own);
    for (const timestep of plan.timesteps.slice(from.index, until)) {
      signal?.throwIfAborted();
      if (!inputs) return;
      const next = plan.step(state, await predict(inputs, timestep, own), random);
      const scaled = next.index < until ? plan.scaleModelInput(next) : undefined;
      ({ state, inputs } = await settled(run, next, scaled, own));
      await freeOthers(device, owned, { state, inputs });
      yield state;
    }
  } finally {
    await device.free([...owned]);
  }
}

/** Computes the sums that a state and the network's next input consist of. */
async function settled(
  { device, parts }: RemoteRun,
  state: SamplerState,
  input: Tensor | undefined,
  own: (value: Tensor) => void,
): Promise<Moment> {
  const sums = new Set(tensorsOf(state).filter(isSum));
  // what is here has to go there
  if (input && (isSum(input) || !isRemote(input))) sums.add(input);
  const wanted = [...sums].map((value) => ({ value }));
  const repeated = input && parts > 1 ? [{ value: input, copies: parts }] : [];
  const results = wanted.length + repeated.length > 0 ? await device.compute([...wanted, ...repeated]) : [];
  results.forEach(own);
  const computed = new Map(wanted.map(({ value }, i) => [value, results[i]!]));
  const place = (value: Tensor) => computed.get(value) ?? remoteTerms(value)[0]![1];
  return {
    state: Object.freeze(withTensors(state, place)),
    inputs: input && { items: place(input), all: repeated.length > 0 ? results.at(-1)! : place(input) },
  };
}

/** Frees what neither the state nor the next call of the network needs. */
async function freeOthers(device: TensorDevice, owned: Set<Tensor>, { state, inputs }: Moment): Promise<void> {
  const needed = [...tensorsOf(state), ...(inputs ? [inputs.items, inputs.all] : [])];
  const rest = [...owned].filter((value) => !needed.includes(value));
  await device.free(rest, needed);
  owned.clear();
  for (const value of needed) owned.add(value);
}

/** Whether a tensor is to be computed: not one that is there already, nor the same once more. */
function isSum(value: Tensor): boolean {
  const [first, ...others] = remoteTerms(value);
  return isRemote(value) && (others.length > 0 || first?.[0] !== 1);
}

function tensorsOf({ sample, predOriginalSample, base, partial, history }: SamplerState): readonly Tensor[] {
  return [sample, predOriginalSample, base, partial, ...history].filter((value) => value !== undefined);
}

/** The same state with other tensors. */
export function withTensors(state: SamplerState, change: (value: Tensor) => Tensor): SamplerState {
  const { sample, predOriginalSample, base, partial, history } = state;
  return {
    ...state,
    sample: change(sample),
    history: history.map(change),
    ...(predOriginalSample && { predOriginalSample: change(predOriginalSample) }),
    ...(base && { base: change(base) }),
    ...(partial && { partial: change(partial) }),
  };
}
