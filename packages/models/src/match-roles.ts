import { LatentKitError } from "@latentkit/core";
import type { ExportRoles, InputRole, OutputRole } from "./export-roles.js";

/** An input or output of an export, as its file or its session names it. */
export interface Exported {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** One of an export's values and what it means. */
export interface Matched<Info, Role> {
  /** The name that runners use. */
  readonly name: string;
  readonly info: Info;
  readonly role: Role;
}

/** An export's values by what they mean. */
export interface MatchedExport<Info> {
  readonly inputs: readonly Matched<Info, InputRole>[];
  readonly outputs: readonly Matched<Info, OutputRole>[];
}

/**
 * Finds out what the inputs and outputs of an export are. Outputs that no runner asks for are left alone.
 *
 * @param location the export's file, for messages.
 * @throws LatentKitError `"unsupported-model"` naming an input that is not understood, one that is missing, or one of
 * another rank, with what is understood.
 */
export function matchRoles<Info extends Exported>(
  found: { readonly inputs: readonly Info[]; readonly outputs: readonly Info[] },
  roles: ExportRoles,
  location: string,
): MatchedExport<Info> {
  const refuse = (problem: string) =>
    new LatentKitError("unsupported-model", `${location}: ${problem}; ${understood(roles)}`);
  const inputs = found.inputs.map((info) => {
    const [name, role] = Object.entries(roles.inputs).find((entry) => entry[1].names.includes(info.name)) ?? [];
    if (name === undefined || role === undefined) throw refuse(`unexpected input "${info.name}"`);
    const fits = isRank(info, role) || (role.axes === "steps" && info.shape.length === 0);
    if (!fits) throw refuse(`its input "${info.name}" has shape [${info.shape}], expected [${axesOf(role)}]`);
    return { name, info, role };
  });
  for (const [name, role] of Object.entries(roles.inputs)) {
    const count = inputs.filter((input) => input.name === name).length;
    if (count > 1 || (count === 0 && !role.optional))
      throw refuse(`${count === 0 ? "it has no" : "it has more than one"} input "${name}"`);
  }
  const outputs = Object.values(matchOutputs(found.outputs, roles));
  for (const { info, role } of outputs) {
    // an exporter that could not tell the shape leaves it out
    if (info.shape.length > 0 && !isRank(info, role))
      throw refuse(`its output "${info.name}" has shape [${info.shape}], expected [${axesOf(role)}]`);
  }
  if (!outputs.some(({ name }) => roles.gives.includes(name.split(".")[0] ?? name)))
    throw refuse(`none of its outputs is known, it has ${found.outputs.map(({ name }) => name).join(", ")}`);
  return { inputs, outputs };
}

/** Each meaning's first name that the export has. */
function matchOutputs<Info extends Exported>(
  outputs: readonly Info[],
  { outputs: roles, series = {} }: ExportRoles,
): Record<string, Matched<Info, OutputRole>> {
  const single = Object.entries(roles).flatMap(([name, role]) => {
    const info = role.names.map((known) => outputs.find((output) => output.name === known)).find(Boolean);
    return info ? [{ name, info, role }] : [];
  });
  const numbered = outputs.flatMap((info) => {
    const [, stem = "", index = ""] = /^(\w+?)[._](\d+)$/.exec(info.name) ?? [];
    const axes = series[stem];
    return axes === undefined ? [] : [{ name: `${stem}.${Number(index)}`, info, role: { names: [], axes } }];
  });
  return Object.fromEntries([...single, ...numbered].map((match) => [match.name, match]));
}

/** What an export of a network may have, for messages. */
function understood({ network, inputs, outputs, series = {} }: ExportRoles): string {
  const list = (roles: Readonly<Record<string, { readonly names: readonly string[]; readonly optional?: true }>>) =>
    Object.values(roles).map(({ names, optional }) => `${names.join(" or ")}${optional ? " (optional)" : ""}`);
  const given = [...list(outputs), ...Object.keys(series).map((stem) => `${stem}.N`)];
  return `of a ${network} these are understood: inputs ${list(inputs).join(", ")}; outputs ${given.join(", ")}`;
}

function isRank({ shape }: Exported, { axes }: { readonly axes: string }): boolean {
  return shape.length === axes.split(" ").length;
}

function axesOf({ axes }: { readonly axes: string }): string {
  return axes.split(" ").join(", ");
}
