import { delimited, fieldsOf, join, number, text } from "@latentkit/core/protobuf";

/** Field numbers of onnx.proto. */
const MODEL = { graph: 7, opsetImport: 8, functions: 25 } as const;
const GRAPH = { node: 1, initializer: 5 } as const;
const NODE = { output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, tensor: 5, type: 20 } as const;
const TENSOR = { name: 8, externalData: 13 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const FUNCTION = { name: 1, output: 5, node: 7, opsetImport: 9, domain: 10 } as const;
const TENSOR_ATTRIBUTE = 4;

const NAME = "StoredWeights";
const DOMAIN = "latentkit";
const decoder = new TextDecoder();

/**
 * The same model with the weights of some files as constants of a function that gives them all.
 *
 * As soon as one weight file of a graph is handed over in memory, ONNX Runtime wants all of them so, and maps none
 * (`InjectExternalInitializersFromFilesInMemory`). Functions it unfolds afterwards, and maps what their constants
 * point to. Nothing of this is left in the opened session.
 *
 * @param locations files to map, by the names that the graph uses.
 */
export function storedInFunction(model: Uint8Array, locations: ReadonlySet<string>): Uint8Array {
  const fields = [...fieldsOf(model)];
  const graph = [...fieldsOf(contentOf(model, MODEL.graph))];
  const stored = graph.filter(({ tag, content }) => tag === GRAPH.initializer && isIn(content, locations));
  if (stored.length === 0) return model;
  const moved = new Set(stored);
  const tensors = stored.map(({ content }) => content);
  const opsets = fields.filter(({ tag }) => tag === MODEL.opsetImport).map(({ content }) => content);
  const kept = graph.filter((field) => !moved.has(field)).map(({ bytes }) => bytes);
  return join([
    ...fields.filter(({ tag }) => tag !== MODEL.graph).map(({ bytes }) => bytes),
    delimited(MODEL.opsetImport, text(OPSET.domain, DOMAIN), number(OPSET.version, 1)),
    delimited(MODEL.graph, callOf(tensors), ...kept),
    delimited(MODEL.functions, functionOf(tensors, opsets)),
  ]);
}

/** The node that gives the tensors, as a field of the graph. */
function callOf(tensors: readonly Uint8Array[]): Uint8Array {
  const outputs = tensors.map((tensor) => text(NODE.output, nameOf(tensor)));
  return delimited(GRAPH.node, ...outputs, text(NODE.name, NAME), text(NODE.opType, NAME), text(NODE.domain, DOMAIN));
}

function functionOf(tensors: readonly Uint8Array[], opsets: readonly Uint8Array[]): Uint8Array {
  return join([
    text(FUNCTION.name, NAME),
    text(FUNCTION.domain, DOMAIN),
    ...opsets.map((opset) => delimited(FUNCTION.opsetImport, opset)),
    ...tensors.map((tensor) => text(FUNCTION.output, nameOf(tensor))),
    ...tensors.map((tensor) => delimited(FUNCTION.node, constantOf(tensor))),
  ]);
}

function constantOf(tensor: Uint8Array): Uint8Array {
  const value = [text(ATTRIBUTE.name, "value"), delimited(ATTRIBUTE.tensor, tensor)];
  return join([
    text(NODE.output, nameOf(tensor)),
    text(NODE.opType, "Constant"),
    delimited(NODE.attribute, ...value, number(ATTRIBUTE.type, TENSOR_ATTRIBUTE)),
  ]);
}

function nameOf(tensor: Uint8Array): string {
  return decoder.decode(contentOf(tensor, TENSOR.name));
}

function isIn(tensor: Uint8Array, locations: ReadonlySet<string>): boolean {
  const entries = [...fieldsOf(tensor)].filter(({ tag }) => tag === TENSOR.externalData);
  return entries.some(({ content }) => {
    const [key, value] = [contentOf(content, ENTRY.key), contentOf(content, ENTRY.value)];
    return decoder.decode(key) === "location" && locations.has(decoder.decode(value));
  });
}

/** What the first field of that number holds; nothing where there is none. */
function contentOf(message: Uint8Array, tag: number): Uint8Array {
  for (const field of fieldsOf(message)) if (field.tag === tag) return field.content;
  return new Uint8Array();
}
