import type { LatentKitError } from "@latentkit/core";
import { failureOf, type Request, TemporaryFailure } from "./hub-failure.js";

/** How a page asks. */
export interface WebAccess {
  /** Web address of the model, for messages. */
  readonly page: string;
  readonly revision?: string | undefined;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A request for one file. */
export interface WebRequest extends RequestInit {
  /** Its path in the model, for messages. */
  readonly file?: string;
}

/**
 * An answer of a server; a refusal is one too. A page learns no more of a failed connection than that it failed. It comes
 * past the browser's own cache: of an answer that was compressed on its way that one gives ranges of the compressed bytes.
 *
 * @throws TemporaryFailure when there is none, or the server is busy; `signal.reason` after an abort.
 */
export async function ask(url: string, access: WebAccess, { file, ...init }: WebRequest = {}): Promise<Response> {
  const { token, signal } = access;
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(url, { cache: "no-store", ...init, headers, ...(signal && { signal }) }).catch(
    (cause: unknown) => {
      signal?.throwIfAborted();
      throw noAnswer(url, cause);
    },
  );
  const failure = response.ok ? undefined : refusalOf(response, access, file);
  if (!(failure instanceof TemporaryFailure)) return response;
  await response.body?.cancel();
  throw failure;
}

/** What a refusal means. */
export function refusalOf(
  response: Response,
  { page, revision, token }: WebAccess,
  file: string | undefined,
): LatentKitError | TemporaryFailure {
  const request: Request = { page, revision, hasToken: token !== undefined, ...(file !== undefined && { file }) };
  return failureOf(response, request);
}

/** The failure of a connection. */
export function noAnswer(url: string, cause: unknown): TemporaryFailure {
  const { host, origin } = new URL(url);
  const isElsewhere = typeof location !== "undefined" && location.origin !== origin;
  const policy = isElsewhere
    ? `, or it does not allow ${location.origin} to read it (CORS: Access-Control-Allow-Origin)`
    : "";
  return new TemporaryFailure(`no answer from ${host}: the network or the server is away${policy}`, {
    cause,
    isUnreachable: true,
  });
}

/** Whether an answer says that there is no such file. Stores without a listing answer 403, and page servers send a page. */
export function isAbsent(response: Response): boolean {
  const isPage = response.headers.get("content-type")?.startsWith("text/html") === true;
  return [403, 404, 410].includes(response.status) || (response.ok && isPage);
}

/** Bytes of a file by what the server says, or undefined when it says nothing, or only what it is compressed to. */
export function announcedSize({ headers, status }: Response): number | undefined {
  if ((headers.get("content-encoding") ?? "identity") !== "identity") return undefined;
  const [, total] = /\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  const length = total ?? (status === 206 ? null : headers.get("content-length"));
  return length === null || length === undefined ? undefined : Number(length);
}
