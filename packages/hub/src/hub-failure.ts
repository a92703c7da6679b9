import { LatentKitError } from "@latentkit/core";

/** A failure that may pass: a server that is busy or away, a connection that was cut. */
export class TemporaryFailure extends Error {
  override readonly name = "TemporaryFailure";
  /** How long the server asks to wait. */
  readonly waitSeconds: number | undefined;
  /** Whether there was no connection at all, so that trying again at once is of no use. */
  readonly isUnreachable: boolean;

  constructor(
    message: string,
    options: ErrorOptions & { readonly waitSeconds?: number | undefined; readonly isUnreachable?: boolean } = {},
  ) {
    super(message, options);
    this.waitSeconds = options.waitSeconds;
    this.isUnreachable = options.isUnreachable ?? false;
  }
}

/** What was asked of a server, for messages. */
export interface Request {
  /** Web address of the repository's page, or of the file. */
  readonly page: string;
  readonly revision?: string | undefined;
  /** Path of the file inside the repository. */
  readonly file?: string;
  readonly hasToken: boolean;
}

const PASS_TOKEN = "pass a token (option token, HF_TOKEN, or hf auth login)";

/** The failure that an answer of a server means. Servers say more than the status in `X-Error-Code`. */
export function failureOf(response: Response, request: Request): LatentKitError | TemporaryFailure {
  const { status } = response;
  if (status === 429 || status === 408 || status >= 500) {
    const message = `${request.page}: the server is busy or has a fault (status ${status})`;
    return new TemporaryFailure(message, { waitSeconds: waitSeconds(response) });
  }
  if (status === 401 || status === 403) return refusal(response, request);
  if (status === 404 || status === 410) return new LatentKitError("file-not-found", absence(response, request));
  return new LatentKitError("download-failed", `${request.page}: the server answered ${status}${said(response)}`);
}

function refusal(response: Response, request: Request): LatentKitError {
  const { page, hasToken } = request;
  const code = response.headers.get("x-error-code");
  if (code === "RepoNotFound") return new LatentKitError("file-not-found", absence(response, request));
  if (code === "GatedRepo" || /gated|restricted/i.test(said(response))) {
    const account = hasToken ? "your token's account has no access yet: " : "";
    const message = `${page} is gated; ${account}accept its terms on that page, then ${PASS_TOKEN}`;
    return new LatentKitError("download-failed", message);
  }
  const reason = hasToken
    ? `the token was refused${said(response)}; check that it is valid and may read this model`
    : `it is private or does not exist${said(response)}; ${PASS_TOKEN}, or check the name`;
  return new LatentKitError("download-failed", `${page}: ${reason}`);
}

function absence(response: Response, { page, revision = "main", file, hasToken }: Request): string {
  const code = response.headers.get("x-error-code");
  if (code === "RevisionNotFound") {
    return `${page} has no revision ${JSON.stringify(revision)}; leave revision out, or name a branch, tag or commit of it`;
  }
  if (file !== undefined && code !== "RepoNotFound") return `${page} has no file ${file} in revision ${revision}`;
  const remedy = hasToken ? "and that your token may read it" : `or ${PASS_TOKEN}`;
  return `${page} does not exist, or it is private; check the name, ${remedy}`;
}

/** What the server says in words. */
function said(response: Response): string {
  const message = response.headers.get("x-error-message") ?? "";
  return message === "" ? "" : ` (${message})`;
}

/** `Retry-After` is a number of seconds or a date. */
function waitSeconds({ headers }: Response): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  const seconds = (Date.parse(text) - Date.parse(headers.get("date") ?? "")) / 1000;
  return seconds > 0 ? seconds : undefined;
}

/** What to tell when trying again did not help. */
export function givenUp(failure: TemporaryFailure, remedy: string): LatentKitError {
  return new LatentKitError("download-failed", `${failure.message}; ${remedy}`, { cause: failure });
}
