import type { SchedulerConfig } from "./scheduler.js";
import { type SchedulerName, schedulerClasses } from "./scheduler-from-config.js";
import type { NamedScheduler } from "./scheduler-names.js";

/** A class, and what a name changes in its configuration. */
export type Choice = Pick<NamedScheduler, "className" | "settings">;

/**
 * A named sampler for the kind of network that a checkpoint's configuration speaks of: one trained on noise that is
 * added to a sample, on a straight path between the two, or in EDM's formulation.
 *
 * @throws RangeError when this kind has no class or option for the name.
 */
export function choiceFor(named: NamedScheduler, config: SchedulerConfig): Choice {
  const { _class_name: className, prediction_type: prediction } = config;
  const from = typeof className === "string" ? className : "";
  if (from.startsWith("FlowMatch") || prediction === "flow_prediction") {
    return flowChoice(named, config) ?? refuse(named, "rectified-flow");
  }
  return from.startsWith("EDM") ? (edmChoice(named) ?? refuse(named, "EDM")) : named;
}

function refuse({ name, className }: NamedScheduler, kind: string): never {
  throw new RangeError(
    `name: "${name}" (${className}) has no class, or no option for its levels, on ${kind} checkpoints`,
  );
}

/** How the name spaces levels, if it does. */
function spacingOf({ settings }: NamedScheduler): "karras" | "exponential" | "beta" | "timesteps" | undefined {
  if (settings.use_karras_sigmas) return "karras";
  if (settings.use_exponential_sigmas) return "exponential";
  if (settings.use_beta_sigmas) return "beta";
  return settings.timestep_spacing === undefined ? undefined : "timesteps";
}

const flowClasses: Readonly<Partial<Record<SchedulerName, SchedulerName>>> = {
  EulerDiscreteScheduler: "FlowMatchEulerDiscreteScheduler",
  HeunDiscreteScheduler: "FlowMatchHeunDiscreteScheduler",
};

function flowChoice(named: NamedScheduler, config: SchedulerConfig): Choice | undefined {
  const shift = config.shift ?? config.flow_shift ?? 1;
  const className = flowClasses[named.className] ?? named.className;
  const spacing = spacingOf(named);
  if (className.startsWith("FlowMatch")) {
    const { timestep_spacing: _, ...settings } = named.settings;
    const known = className === "FlowMatchEulerDiscreteScheduler" ? spacing !== "timesteps" : spacing === undefined;
    return known ? { className, settings: { ...settings, shift } } : undefined;
  }
  const solves = "use_flow_sigmas" in new schedulerClasses[className]().config;
  if (!solves || spacing !== undefined || config.use_dynamic_shifting) return undefined;
  const flow = { prediction_type: "flow_prediction", use_flow_sigmas: true, flow_shift: shift };
  return { className, settings: { ...named.settings, ...flow } };
}

const edmClasses: Readonly<Partial<Record<SchedulerName, SchedulerName>>> = {
  EulerDiscreteScheduler: "EDMEulerScheduler",
  DPMSolverMultistepScheduler: "EDMDPMSolverMultistepScheduler",
};

function edmChoice(named: NamedScheduler): Choice | undefined {
  const className = edmClasses[named.className] ?? named.className;
  const spacing = spacingOf(named);
  if (!className.startsWith("EDM") || spacing === "beta" || spacing === "timesteps") return undefined;
  const { timestep_spacing: _, ...settings } = named.settings;
  return { className, settings: { ...settings, ...(spacing && { sigma_schedule: spacing }) } };
}
