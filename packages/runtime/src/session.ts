import { LatentKitError } from "@latentkit/core";
import type { Session, ValueInfo } from "./backend.js";
import { packFeeds, unpack } from "./packed-value.js";
import { type HostedSession, mapValues, type SessionHost } from "./session-host.js";

/** The contract's view of a session that `host` holds. */
export function hostedSession(host: SessionHost, { id, inputs, outputs }: HostedSession): Session {
  let release: Promise<void> | undefined;
  return {
    inputs,
    outputs,
    async run(feeds, wanted = outputs.map(({ name }) => name)) {
      if (release !== undefined) throw new LatentKitError("disposed", "the session was disposed: create another one");
      checkOutputs(outputs, wanted);
      return mapValues(await host.run(id, packFeeds(inputs, feeds), wanted), unpack);
    },
    dispose() {
      release ??= host.release(id);
      return release;
    },
  };
}

function checkOutputs(outputs: readonly ValueInfo[], wanted: readonly string[]): void {
  const names = outputs.map(({ name }) => name);
  if (wanted.length === 0) throw new RangeError(`outputs: expected at least one of ${names.join(", ")}`);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new RangeError(`outputs: the network has no output "${unknown}"; it has ${names.join(", ")}`);
}
