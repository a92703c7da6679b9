import { LatentKitError, type ModelGraph } from "@latentkit/core";
import type { Backend, Feeds, KeptValue, Session, SessionRequest, Value } from "./backend.js";

/** Which time all sessions belong to: a failure ends it. */
interface Era {
  readonly number: number;
  /** Ends the era of that number, if it has not ended. */
  end(number: number, error: LatentKitError): void;
}

const known = new WeakMap<Backend, Backend>();

/**
 * The same backend, whose sessions outlive their device: when it is lost, or a run fails, all of them are opened again as
 * they are needed, and the run is made once more. Values that were kept are gone then: a run that is fed one fails.
 *
 * @example
 * ```ts
 * const backend = reopening(await onnxruntimeNode());
 * const stop = backend.onReopen?.((error) => console.warn(error.message));
 * stop?.();
 * ```
 */
export function reopening(backend: Backend): Backend {
  const wrapped = known.get(backend) ?? wrap(backend);
  known.set(backend, wrapped);
  // wrapped once is enough
  known.set(wrapped, wrapped);
  return wrapped;
}

function wrap(backend: Backend): Backend {
  const { name, device, reason, float16, keepsValues } = backend;
  const listeners = new Set<(error: LatentKitError) => void>();
  let number = 0;
  const era: Era = {
    get number() {
      return number;
    },
    end(ended, error) {
      if (ended !== number) return;
      number++;
      for (const listener of [...listeners]) listener(error);
    },
  };
  return {
    name,
    device,
    ...(reason !== undefined && { reason }),
    ...(float16 !== undefined && { float16 }),
    ...(keepsValues !== undefined && { keepsValues }),
    onReopen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async createSession(model, request) {
      return reopenedSession(await backend.createSession(model, request), era, () => open(backend, model, request));
    },
  };
}

const open = (backend: Backend, model: ModelGraph, request: SessionRequest | undefined): Promise<Session> =>
  backend.createSession(model, request);

interface Opened {
  readonly number: number;
  readonly session: Session | Promise<Session>;
}

function reopenedSession(first: Session, era: Era, reopen: () => Promise<Session>): Session {
  let opened: Opened = { number: era.number, session: first };
  let isDisposed = false;

  /** The session of this era. */
  function current(): Opened {
    if (opened.number === era.number || isDisposed) return opened;
    const { session: old } = opened;
    const session = freed(old).then(reopen);
    opened = { number: era.number, session };
    // one that cannot be opened now is tried again the next time
    session.then(
      (ready) => {
        if (opened.session === session) opened = { ...opened, session: ready };
      },
      () => {
        if (opened.session === session) opened = { number: -1, session: old };
      },
    );
    return opened;
  }

  async function attempt<Result>(use: (session: Session) => Promise<Result>): Promise<Result> {
    const { number, session } = current();
    try {
      return await (session instanceof Promise ? session.then(use) : use(session));
    } catch (error) {
      if (isFailure(error)) era.end(number, error);
      throw error;
    }
  }

  async function twice<Result>(feeds: Feeds, use: (session: Session) => Promise<Result>): Promise<Result> {
    try {
      return await attempt(use);
    } catch (error) {
      if (!isFailure(error) || isDisposed || Object.values(feeds).some(isKept)) throw error;
      return attempt(use);
    }
  }

  return {
    inputs: first.inputs,
    outputs: first.outputs,
    run: (feeds, outputs) => twice(feeds, (session) => session.run(feeds, outputs)),
    ...(first.keep && {
      keep: (feeds: Feeds, outputs?: readonly string[]) => twice(feeds, (session) => kept(session, feeds, outputs)),
    }),
    async dispose() {
      isDisposed = true;
      await (await opened.session).dispose();
    },
  };
}

function kept(
  session: Session,
  feeds: Feeds,
  outputs: readonly string[] | undefined,
): Promise<Record<string, KeptValue>> {
  if (session.keep) return session.keep(feeds, outputs);
  throw new TypeError("keep: expected a session that was opened to keep its results");
}

/** Frees a session as far as that goes: its device may be gone. */
async function freed(session: Session | Promise<Session>): Promise<void> {
  try {
    await (await session).dispose();
  } catch {
    // it is gone
  }
}

const isKept = (value: Value | KeptValue): value is KeptValue => "read" in value;

/** Whether opening the networks again may help. */
export function isFailure(error: unknown): error is LatentKitError {
  return LatentKitError.isInstance(error) && (error.code === "device-lost" || error.code === "run-failed");
}
