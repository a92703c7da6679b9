import type { Session } from "@latentkit/runtime";
import { LazySession, type RunnerSession } from "./lazy-session.js";

/**
 * The same network with inputs for what others add to its states, opened in place of `plain` when it is first run.
 * Without those inputs a graph adds nothing, and both at once would hold the weights twice.
 */
export function steeredSession(plain: RunnerSession, open: () => Promise<Session>): RunnerSession {
  const opened = new LazySession(async () => {
    await plain.dispose();
    return open();
  });
  const session: RunnerSession = {
    inputs: plain.inputs,
    outputs: plain.outputs,
    run: (...args) => opened.run(...args),
    async dispose() {
      await Promise.all([plain.dispose(), opened.dispose()]);
    },
  };
  // what stays open between pictures has no release
  return plain.release ? { ...session, release: () => opened.release() } : session;
}
