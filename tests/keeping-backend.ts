import type { LatentKitError } from "@latentkit/core";
import type { Backend, Feeds, KeptValue, Session } from "@latentkit/runtime";

/** What went over the boundary of a backend's sessions. */
export interface Traffic {
  /** Numbers that were fetched, those of the text left out. */
  fetched: number;
  /** Runs whose results stayed. */
  kept: number;
  /** Runs whose results came over. */
  runs: number;
  /** Sessions that were opened. */
  opened: number;
  /** Kept values that nobody has freed, those made of texts left out. */
  alive: number;
  /** Runs on a text alone, which are no others; their results stay until the network is told other texts. */
  texts: number;
  /** Kept values of texts that nobody has freed. */
  textsAlive: number;
}

/** Decides what becomes of a call, by its number. */
export type Fail = (kind: "kept" | "runs", call: number) => LatentKitError | undefined;

/** A backend as on a GPU, made of any: it keeps values, counts what goes over its boundary, and fails when it is told to. */
export function keepingBackend(backend: Backend): { readonly backend: Backend; readonly traffic: Traffic; fail: Fail } {
  const traffic: Traffic = { fetched: 0, kept: 0, runs: 0, opened: 0, alive: 0, texts: 0, textsAlive: 0 };
  const result = {
    backend: { ...backend, keepsValues: true, createSession },
    traffic,
    fail: (() => undefined) as Fail,
  };

  async function createSession(...args: Parameters<Backend["createSession"]>): Promise<Session> {
    traffic.opened++;
    const session = await backend.createSession(...args);
    const { keep } = session;
    const isText = session.inputs.every(({ name }) => name === "encoder_hidden_states");
    const alive = isText ? "textsAlive" : "alive";
    return {
      ...session,
      async run(...feeds) {
        refuse("runs");
        const results = await session.run(...feeds);
        for (const { size } of Object.values(results)) traffic.fetched += size;
        return results;
      },
      ...(keep && {
        async keep(feeds: Feeds, outputs?: readonly string[]) {
          if (isText) traffic.texts++;
          else refuse("kept");
          const results = await keep(feeds, outputs);
          for (const value of Object.values(results)) count(value, alive);
          return results;
        },
      }),
    };
  }

  function refuse(kind: "kept" | "runs"): void {
    const error = result.fail(kind, ++traffic[kind]);
    if (error) throw error;
  }

  function count(value: KeptValue, alive: "alive" | "textsAlive"): void {
    const { read, dispose } = value;
    let isAlive = true;
    traffic[alive]++;
    Object.assign(value, {
      async read() {
        const found = await read();
        traffic.fetched += found.size;
        return found;
      },
      async dispose() {
        if (isAlive) traffic[alive]--;
        isAlive = false;
        await dispose();
      },
    });
  }
  return result;
}
