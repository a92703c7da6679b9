import { byteText } from "@latentkit/hub";
import type { ModelDescription } from "./describe-model.js";
import { table } from "./table.js";

/** What a model is, for people. */
export function descriptionText(model: ModelDescription): string {
  const { location, isLocal, family, pipeline, size, parameters, precision, memory } = model;
  const facts = [
    [isLocal ? "path" : "page", isLocal ? location : `${location} (not downloaded)`],
    ["family", family],
    ["pipeline", pipeline ?? "none: one network"],
    ["weights", `${byteText(size)}${parameters > 0 ? `, ${countText(parameters)} parameters` : ""}`],
    ["precision", precision.join(", ")],
    ["memory", memory ? memoryText(memory) : ""],
  ].filter(([, value]) => value !== "");
  const rows = model.components.map(({ name, className = "", format, ...component }) => [
    name,
    className,
    component.size > 0 ? byteText(component.size) : "",
    component.parameters > 0 ? countText(component.parameters) : "",
    component.precision.join(", "),
    format === "onnx" ? "ONNX" : "",
  ]);
  return `${table(facts)}\n${table([["PART", "CLASS", "SIZE", "PARAMETERS", "PRECISION", ""], ...rows], [2, 3])}`;
}

function memoryText({ fp32, fp16, pictureSize }: NonNullable<ModelDescription["memory"]>): string {
  const size = `${pictureSize}x${pictureSize}`;
  return `about ${byteText(fp32)} in fp32 (CPU), ${byteText(fp16)} in fp16 (GPU), for one picture of ${size} with guidance`;
}

/** `"860 M"`. */
function countText(count: number): string {
  const [divisor, unit] = count >= 1e9 ? [1e9, " G"] : count >= 1e6 ? [1e6, " M"] : [1e3, " k"];
  return `${(count / divisor).toPrecision(3)}${unit}`;
}
