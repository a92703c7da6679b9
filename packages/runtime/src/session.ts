import { LatentKitError } from "@latentkit/core";
import type { Feeds, KeptValue, Session, SessionRequest, ValueInfo } from "./backend.js";
import { type KeptReference, packFeeds, unpack } from "./packed-value.js";
import { type HostedSession, mapValues, type SessionHost } from "./session-host.js";

/** Values that a host keeps, and their names there. */
const references = new WeakMap<KeptValue, { readonly host: SessionHost; readonly kept: string }>();

/** The contract's view of a session that `host` holds. */
export function hostedSession(
  host: SessionHost,
  { id, inputs, outputs }: HostedSession,
  { keeps = false }: SessionRequest = {},
): Session {
  let release: Promise<void> | undefined;
  const all = outputs.map(({ name }) => name);

  function packed(feeds: Feeds, wanted: readonly string[]) {
    if (release !== undefined) throw new LatentKitError("disposed", "the session was disposed: create another one");
    checkOutputs(outputs, wanted);
    return packFeeds(inputs, feeds, (value) => keptBy(host, value));
  }

  return {
    inputs,
    outputs,
    async run(feeds, wanted = all) {
      return mapValues(await host.run(id, packed(feeds, wanted), wanted), unpack);
    },
    ...(keeps && {
      async keep(feeds: Feeds, wanted: readonly string[] = all) {
        return mapValues(await host.keep(id, packed(feeds, wanted), wanted), (reference) => keptValue(host, reference));
      },
    }),
    dispose() {
      release ??= host.release(id);
      return release;
    },
  };
}

/** The name of a value that a host keeps. @throws LatentKitError `"device-lost"` for one of another host: devices have one each. */
function keptBy(host: SessionHost, value: KeptValue): string | undefined {
  const known = references.get(value);
  if (known === undefined || known.host === host) return known?.kept;
  throw new LatentKitError("device-lost", "a value was kept on a device that this session is not on: compute it again");
}

function keptValue(host: SessionHost, { kept, type, shape }: KeptReference): KeptValue {
  const value: KeptValue = {
    type,
    shape: [...shape],
    read: async () => unpack(await host.read(kept)),
    dispose: () => host.drop(kept),
  };
  references.set(value, { host, kept });
  return value;
}

function checkOutputs(outputs: readonly ValueInfo[], wanted: readonly string[]): void {
  const names = outputs.map(({ name }) => name);
  if (wanted.length === 0) throw new RangeError(`outputs: expected at least one of ${names.join(", ")}`);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new RangeError(`outputs: the network has no output "${unknown}"; it has ${names.join(", ")}`);
}
