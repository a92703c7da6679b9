import { InferenceSession, Tensor } from "onnxruntime-node";
import type { StageNetwork } from "./network-stages.js";
import type { AxisLengths } from "./sized-graph.js";

/** A network that is ready to run on made-up inputs. */
export interface OpenNetwork {
  run(): Promise<void>;
}

/** Opens a network with nothing between the graph and ONNX Runtime. */
export async function openNetwork(
  { folder, graph, once, outputs, axes }: StageNetwork,
  options: InferenceSession.SessionOptions,
): Promise<OpenNetwork> {
  const session = await openGraph(folder, graph, options);
  const told = once ? await resultsOf(await openGraph(folder, once, options), axes) : {};
  const feeds = { ...feedsOf(session, axes), ...told };
  return {
    async run() {
      await session.run(feeds, outputs ?? session.outputNames);
    },
  };
}

/** Opens a graph whose weights lie in a folder; `entries` are ONNX Runtime's own settings. */
export function openGraph(
  folder: string,
  graph: Uint8Array,
  options: InferenceSession.SessionOptions,
  entries: Readonly<Record<string, string>> = {},
): Promise<InferenceSession> {
  const session = { model_external_initializers_file_folder_path: folder, ...entries };
  return InferenceSession.create(graph, { ...options, extra: { session } });
}

async function resultsOf(session: InferenceSession, axes: AxisLengths): Promise<InferenceSession.OnnxValueMapType> {
  const results = await session.run(feedsOf(session, axes));
  await session.release();
  return results;
}

/** An input of each declared name, type and shape: a moderate wave, ids of any words, or ones. */
export function feedsOf(session: InferenceSession, axes: AxisLengths): InferenceSession.FeedsType {
  const inputs = session.inputMetadata.filter((input) => input.isTensor);
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const sizes = shape.map((axis) => (typeof axis === "number" ? axis : (axes[axis] ?? 1)));
      return [name, tensorOf(name, type, sizes)];
    }),
  );
}

function tensorOf(name: string, type: Tensor.Type, shape: readonly number[]): Tensor {
  const length = shape.reduce((product, side) => product * side, 1);
  const fill = (value: (i: number) => number) => Array.from({ length }, (_, i) => value(i));
  if (name === "timestep")
    return new Tensor(
      "float32",
      fill(() => 500),
      shape,
    );
  if (type === "float32")
    return new Tensor(
      type,
      fill((i) => Math.sin(i * 12.9898)),
      shape,
    );
  if (type === "int32")
    return new Tensor(
      type,
      fill((i) => (name === "attention_mask" ? 1 : 1 + (i % 400))),
      shape,
    );
  throw new RangeError(`${name}: expected a float32 or int32 input, got ${type}`);
}
