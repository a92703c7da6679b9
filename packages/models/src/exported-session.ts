import { concat, LatentKitError, slice, type Tensor } from "@latentkit/core";
import type { Session, Value, ValueInfo } from "@latentkit/runtime";
import type { ExportRoles, InputRole, OutputRole } from "./export-roles.js";
import { exportedFeeds, takesOneTimestep } from "./exported-feeds.js";
import { type Matched, matchRoles } from "./match-roles.js";
import { floatResult } from "./value-types.js";

type Input = Matched<ValueInfo, InputRole>;
type Output = Matched<ValueInfo, OutputRole>;
type Feeds = Readonly<Record<string, Value>>;

/**
 * An export's session under the names and types that runners use. Values are converted both ways; a graph that was
 * exported for a fixed batch runs as often as a larger one needs. Timesteps of a graph that takes integers are rounded
 * to the nearest: some samplers visit levels between them.
 *
 * @param location the export's file, for messages.
 * @throws LatentKitError `"unsupported-model"` for inputs and outputs that are not understood.
 */
export function exportedSession(session: Session, roles: ExportRoles, location: string): Session {
  const { inputs, outputs } = matchRoles(session, roles, location);
  for (const { info, role } of inputs) checkType(info, role, location);
  const fixed = fixedBatch(inputs, location);
  return {
    inputs: inputs.map(({ name, info, role }) => ({ name, type: role.type, shape: info.shape })),
    outputs: outputs.map(({ name, info }) => ({ name, type: "float32", shape: info.shape })),
    async run(feeds: Readonly<Record<string, Value>>, wanted = outputs.map(({ name }) => name)) {
      checkNeutral(feeds, inputs, roles, location);
      const known = wanted.map((name) => outputNamed(name, outputs, location));
      const batch = batchOf(feeds, inputs);
      const size = fixed ?? (needsOneTimestep(feeds, inputs) ? 1 : batch);
      // all of them before the first run: feeds are the caller's again once this has returned
      const runs = Array.from({ length: Math.ceil(batch / size) }, (_, i) =>
        exportedFeeds(feeds, inputs, { batch, from: i * size, to: (i + 1) * size }, location),
      );
      const results: Record<string, Value>[] = [];
      for (const run of runs) results.push(await session.run(run, [...new Set(known.map(({ info }) => info.name))]));
      return Object.fromEntries(known.map((output) => [output.name, joined(output, results, batch, location)]));
    },
    dispose: () => session.dispose(),
  };
}

function checkType({ name, type }: ValueInfo, { accepts }: InputRole, location: string): void {
  if (accepts.includes(type)) return;
  const message = `${location}: its input "${name}" is ${type}; supported: ${accepts.join(", ")}`;
  throw new LatentKitError("unsupported-model", message);
}

function outputNamed(name: string, outputs: readonly Output[], location: string): Output {
  const output = outputs.find((candidate) => candidate.name === name);
  if (output) return output;
  const given = outputs.map((candidate) => candidate.name).join(", ");
  throw new RangeError(`outputs: ${location} has no output "${name}"; it has ${given}`);
}

/** The batch that a graph was exported for, where it takes no other. */
function fixedBatch(inputs: readonly Input[], location: string): number | undefined {
  const fixed = inputs.flatMap(({ role, info }) => {
    const [first] = info.shape;
    return isBatched(role) && typeof first === "number" ? [first] : [];
  });
  const [size] = fixed;
  if (fixed.some((other) => other !== size)) {
    const message = `${location}: its inputs are fixed to different batches, ${fixed.join(" and ")}; export it with dynamic axes`;
    throw new LatentKitError("unsupported-model", message);
  }
  return size;
}

function isBatched({ axes }: InputRole): boolean {
  return axes.startsWith("batch");
}

function batchOf(feeds: Feeds, inputs: readonly Input[]): number {
  const first = inputs.find(({ name, role }) => isBatched(role) && feeds[name] !== undefined);
  return feeds[first?.name ?? ""]?.shape[0] ?? 1;
}

/** Whether the items have timesteps of their own and the graph takes one for all. */
function needsOneTimestep(feeds: Feeds, inputs: readonly Input[]): boolean {
  return inputs.some(({ name, role, info }) => {
    const values = feeds[name]?.data ?? [];
    return role.axes === "steps" && takesOneTimestep(info) && values.some((value) => value !== values[0]);
  });
}

/** @throws TypeError for a feed that the export has no input for, unless it changes nothing. */
function checkNeutral(feeds: Feeds, inputs: readonly Input[], roles: ExportRoles, location: string): void {
  for (const [name, value] of Object.entries(feeds)) {
    const neutral = roles.inputs[name]?.neutral;
    if (inputs.some((input) => input.name === name)) continue;
    if (neutral === undefined || value.data.some((item) => Number(item) !== neutral))
      throw new TypeError(`${name}: ${location} does not take it; it was exported without`);
  }
}

/** What the runs gave, as one batch, without what filled up the last run. */
function joined(
  { info, role }: Output,
  results: readonly Record<string, Value>[],
  batch: number,
  location: string,
): Tensor {
  const what = `${location}: its output "${info.name}"`;
  const parts = results.map((result) => floatResult(result[info.name], what));
  const { axes } = role;
  const odd = parts.find(({ shape }) => shape.length !== axes.split(" ").length);
  if (odd) {
    const message = `${what} has shape [${odd.shape.join(", ")}], expected [${axes.split(" ").join(", ")}]`;
    throw new LatentKitError("unsupported-model", message);
  }
  const [only] = parts;
  return parts.length === 1 && only?.shape[0] === batch ? only : slice(concat(parts), 0, batch);
}
