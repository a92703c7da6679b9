import type { Backend, KeptValue, Session, Value } from "@latentkit/runtime";
import { isRemoteValue } from "./is-remote-value.js";
import { keptTensors, keptWhole } from "./kept-tensor.js";

/** The same backend, on whose device values are better left; its sessions give remote tensors when they are fed one. */
export function keepingResults(backend: Backend): Backend {
  return {
    ...backend,
    createSession: async (model) => withRemoteTensors(await backend.createSession(model, { keeps: true })),
  };
}

function withRemoteTensors(session: Session): Session {
  if (!session.keep) return session;
  const keep = session.keep.bind(session);
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    async run(feeds, outputs) {
      if (!Object.values(feeds).some(isRemoteValue)) return session.run(feeds, outputs);
      const kept = await keep(
        mapped(feeds, (value) => (isRemoteValue(value) ? keptWhole(value) : value)),
        outputs,
      );
      return mapped(kept, (value: KeptValue): Value => keptTensors(value)[0]!);
    },
    keep,
    dispose: () => session.dispose(),
  };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
