import { createQueue } from "./queue.js";
import type { SessionHost } from "./session-host.js";

/** The same host, one call at a time. */
export function inOrder(host: SessionHost): SessionHost {
  const queue = createQueue();
  return {
    probe: (graph, options) => queue(() => host.probe(graph, options)),
    open: (graph, options, files) => queue(() => host.open(graph, options, files)),
    run: (id, feeds, outputs) => queue(() => host.run(id, feeds, outputs)),
    keep: (id, feeds, outputs) => queue(() => host.keep(id, feeds, outputs)),
    read: (kept) => queue(() => host.read(kept)),
    drop: (kept) => queue(() => host.drop(kept)),
    release: (id) => queue(() => host.release(id)),
  };
}
