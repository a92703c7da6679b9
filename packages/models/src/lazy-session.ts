import { LatentKitError } from "@latentkit/core";
import type { Session } from "@latentkit/runtime";

/** A session that is opened when it is first needed: an autoencoder is often used one way only. */
export class LazySession {
  readonly #open: () => Promise<Session>;
  #session: Promise<Session> | undefined;
  #disposed = false;

  constructor(open: () => Promise<Session>) {
    this.#open = open;
  }

  /** @throws LatentKitError `"disposed"` after `dispose`. */
  async run(...args: Parameters<Session["run"]>): ReturnType<Session["run"]> {
    if (this.#disposed)
      throw new LatentKitError("disposed", "the network was disposed; open it again with fromPretrained");
    this.#session ??= this.#open();
    return (await this.#session).run(...args);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    // one that failed to open has nothing to free
    const session = await this.#session?.catch(() => undefined);
    await session?.dispose();
  }
}
