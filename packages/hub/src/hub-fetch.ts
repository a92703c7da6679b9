import { failureOf, type Request, TemporaryFailure } from "./hub-failure.js";

/** How requests are made. */
export interface FetchOptions {
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** What is asked, for messages. */
  readonly page: string;
  readonly revision?: string | undefined;
  readonly file?: string;
}

/** Errors of connections that were there. Any other means that there was none. */
const CUT = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_BODY_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT"];

/**
 * A `fetch` whose failures say what to do: `LatentKitError`, or `TemporaryFailure` for those that may pass. Only success
 * and 416, "no such range", are answers. The token goes to the first server only: fetch drops it at redirects elsewhere.
 */
export function hubFetch(options: FetchOptions): typeof fetch {
  const { token, signal } = options;
  const request: Request = { ...options, hasToken: token !== undefined };
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("user-agent", "latentkit");
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(input, { ...init, headers, ...(signal && { signal }) }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw connectionFailure(request.page, cause);
    });
    if (response.ok || response.status === 416) return response;
    const failure = failureOf(response, request);
    await response.body?.cancel();
    throw failure;
  };
}

/** The failure of a connection, while asking or in the middle of an answer. */
export function connectionFailure(page: string, cause: unknown): TemporaryFailure {
  const code = codeOf(cause);
  const isUnreachable = !CUT.includes(code);
  const what = isUnreachable ? "no connection to" : "the connection was cut to";
  return new TemporaryFailure(`${what} ${new URL(page).host} (${code})`, { cause, isUnreachable });
}

/** The system's name of an error: fetch says "fetch failed" and has it as a cause. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? error.message : codeOf(error.cause);
}
