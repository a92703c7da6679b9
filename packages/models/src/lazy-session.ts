import { LatentKitError } from "@latentkit/core";
import type { Session } from "@latentkit/runtime";

/** What runners run: a session, or one that can be freed between two runs. */
export interface RunnerSession extends Pick<Session, "run" | "dispose"> {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
  /** Frees the network until the next run. */
  release?(): Promise<void>;
}

/** A session that is opened when it is first needed, and again when it is needed after a release. */
export class LazySession implements RunnerSession {
  readonly inputs: RunnerSession["inputs"];
  readonly outputs: RunnerSession["outputs"];
  readonly #open: () => Promise<Session>;
  #session: Promise<Session> | undefined;
  #disposed = false;

  /** @param names what the network is known to take and give before it is opened. */
  constructor(open: () => Promise<Session>, names: Partial<Pick<RunnerSession, "inputs" | "outputs">> = {}) {
    this.#open = open;
    this.inputs = names.inputs ?? [];
    this.outputs = names.outputs ?? [];
  }

  /** @throws LatentKitError `"disposed"` after `dispose`. */
  async run(...args: Parameters<Session["run"]>): ReturnType<Session["run"]> {
    if (this.#disposed)
      throw new LatentKitError("disposed", "the network was disposed; open it again with fromPretrained");
    this.#session ??= this.#open();
    return (await this.#session).run(...args);
  }

  async release(): Promise<void> {
    const opened = this.#session;
    this.#session = undefined;
    // one that failed to open has nothing to free
    const session = await opened?.catch(() => undefined);
    await session?.dispose();
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.release();
  }
}
