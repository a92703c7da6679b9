import { LatentKitError, ndarray, type Tensor } from "@latentkit/core";
import type { TextNetwork } from "@latentkit/onnx";
import { type Backend, type Feeds, isFailure, type Session } from "@latentkit/runtime";
import { isRemoteValue } from "./is-remote-value.js";
import type { LoadOptions } from "./load-options.js";
import { textMemory } from "./text-memory.js";

const TEXT = "encoder_hidden_states";

/**
 * Whether a network should be told the text by a graph apart. Not where its results would go to the device at each step,
 * which takes longer than to compute them, nor where memory is short.
 */
export function isTextApart({ device, keepsValues = false }: Backend, { memory }: LoadOptions): boolean {
  return memory !== "low" && (keepsValues || device === "cpu" || device === "wasm");
}

/** Opens a network that is told a text; where that has a graph apart, it is run when the text is another one only. */
export async function openTextFed(backend: Backend, network: TextNetwork): Promise<Session> {
  const session = await backend.createSession(network);
  if (!network.text) return session;
  try {
    return textFed(session, await backend.createSession(network.text, { keeps: true }), backend);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** The session of a network and that of its text as one. */
function textFed(session: Session, text: Session, { onReopen }: Backend): Session {
  const made = new Set(text.outputs.map(({ name }) => name));
  const memory = textMemory(async (value) => {
    const told = { [TEXT]: value };
    return text.keep ? text.keep(told) : text.run(told);
  });
  // what is kept is gone with its device
  const stop = onReopen?.(() => void memory.clear());
  let isDisposed = false;

  const attempt = ({ [TEXT]: value, ...feeds }: Feeds, outputs?: readonly string[]) =>
    memory.use(textOf(value), async (told) => {
      if (!(told instanceof Promise)) return session.run({ ...feeds, ...told }, outputs);
      const copies = copied(feeds);
      return session.run({ ...copies, ...(await told) }, outputs);
    });

  return {
    inputs: [...session.inputs.filter(({ name }) => !made.has(name)), ...text.inputs],
    outputs: session.outputs,
    async run(feeds, outputs) {
      if (isDisposed) throw disposed();
      try {
        return await attempt(feeds, outputs);
      } catch (error) {
        // a session does not try again with what was kept
        if (!isFailure(error) || !text.keep || Object.values(feeds).some(isRemoteValue)) throw error;
        void memory.clear();
        return attempt(feeds, outputs);
      }
    },
    async dispose() {
      isDisposed = true;
      stop?.();
      // runs under way may wait for what is made of their text
      await memory.clear();
      await Promise.all([session.dispose(), text.dispose()]);
    },
  };
}

const disposed = (): LatentKitError =>
  new LatentKitError("disposed", "the network was disposed; open it again with fromPretrained");

function textOf(value: Feeds[string] | undefined): Tensor {
  if (value && isFloat(value)) return value;
  throw new TypeError(`feeds: "${TEXT}": expected the values in a Float32Array`);
}

const isFloat = (value: Feeds[string]): value is Tensor => "data" in value && value.data instanceof Float32Array;

/** The same feeds, whatever becomes of those that a caller may change. */
function copied(feeds: Feeds): Feeds {
  const copy = (value: Feeds[string]) => {
    if (!("data" in value) || isRemoteValue(value)) return value;
    const { data, shape, stride, offset } = value;
    return ndarray(data.slice(), shape, stride, offset);
  };
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, copy(value)]));
}
