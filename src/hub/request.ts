// One request to the Hub: with the token for the Hub's own host only, with patience for servers that are busy, slow or gone.

import { UserError } from "../base/errors.ts";
import { formatDuration } from "../base/format.ts";
import type { HubSettings } from "./settings.ts";

/** An answer whose body is still to come. `stop` closes the connection. */
export interface HubResponse {
  readonly response: Response;
  readonly stop: () => void;
}

/** Told why and for how long a request waits. */
export type OnRetry = (reason: string, waitMs: number) => void;

const maxRedirects = 8;
/** A server that asks for more patience than this is left alone. */
const longestWaitMs = 5 * 60_000;

/** Asks until there is an answer that waiting does not change: success, or a status such as 404.
 *  @throws UserError when the server stays busy or out of reach. */
export async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  settings: HubSettings,
  onRetry: OnRetry,
): Promise<HubResponse> {
  for (let failures = 0; ; ) {
    const { answer, reason, waitMs } = await ask(url, headers, settings);
    if (answer !== undefined && reason === undefined) return answer;
    answer?.stop();
    failures++;
    const wait = waitMs ?? backoff(failures, settings);
    const tooLong = wait > longestWaitMs ? `, and asks for ${formatDuration(wait / 1000)} of patience` : "";
    if (failures >= settings.attempts || tooLong !== "")
      throw new UserError(
        `${hostOf(url)}: expected an answer, got ${reason}${tooLong || ` (${failures} times)`}`,
        {
          hint: "try again later: what was downloaded is kept and will be gone on with; with --offline only the cache is used",
        },
      );
    onRetry(reason!, wait);
    await Bun.sleep(wait);
  }
}

/** How long to wait after so many failures in a row. */
export function backoff(failures: number, { backoffMs }: HubSettings): number {
  return backoffMs * 2 ** Math.min(failures - 1, 5);
}

interface Attempt {
  readonly answer?: HubResponse;
  /** Why another attempt is worth it. */
  readonly reason?: string;
  readonly waitMs?: number;
}

async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  settings: HubSettings,
): Promise<Attempt> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), settings.timeoutMs);
  const stop = () => controller.abort();
  try {
    const response = await followed(url, headers, settings, controller.signal);
    const { status } = response;
    if (status === 429 || status === 408 || status >= 500) {
      const after = retryAfter(response.headers.get("Retry-After"));
      const reason = `status ${status}${status === 429 ? " (too many requests)" : ""}`;
      return { answer: { response, stop }, reason, ...(after !== undefined && { waitMs: after }) };
    }
    return { answer: { response, stop } };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const silent = controller.signal.aborted;
    return { reason: silent ? `silence for ${formatDuration(settings.timeoutMs / 1000)}` : wordsOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Follows redirects by hand: files come from other hosts, which must not see the token. */
async function followed(
  start: string,
  headers: Readonly<Record<string, string>>,
  { endpoint, token }: HubSettings,
  signal: AbortSignal,
): Promise<Response> {
  let url = start;
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const own = new URL(url).origin === new URL(endpoint).origin;
    const all = new Headers(headers);
    if (own && token !== undefined) all.set("Authorization", `Bearer ${token}`);
    const response = await fetch(url, {
      headers: all,
      redirect: "manual",
      signal,
    });
    const location = response.headers.get("Location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    url = new URL(location, url).href;
  }
  throw new UserError(`${hostOf(start)}: expected a file, got more than ${maxRedirects} redirects`);
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** What went wrong on the wire, in a few words. */
export function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ConnectionRefused: "no server there",
    ECONNREFUSED: "no server there",
    ENOTFOUND: "no such host",
    FailedToOpenSocket: "no way to the host",
    ConnectionClosed: "a closed connection",
    ECONNRESET: "a closed connection",
  };
  return known[code ?? ""] ?? `a failure of the connection (${code ?? message})`;
}

function hostOf(url: string): string {
  return new URL(url).origin;
}

/** What a status other than success means for the user. */
export function statusError(
  what: string,
  status: number,
  { endpoint, token }: HubSettings,
  page: string,
): UserError {
  const withToken = token === undefined ? "no token was given" : "the token was not accepted for it";
  if (status === 401)
    return new UserError(`${what}: expected access, got status 401 (${withToken})`, {
      hint: "the repository is private, or there is none of this name; set HF_TOKEN to a token that may read it",
    });
  if (status === 403)
    return new UserError(`${what}: expected access, got status 403 (${withToken})`, {
      hint: `accept its conditions at ${endpoint}/${page} and set HF_TOKEN`,
    });
  if (status === 404)
    return new UserError(`${what}: expected it on ${endpoint}, got status 404 (not found)`, {
      hint: "check the name and --revision; data sets need --repo-type dataset",
    });
  return new UserError(`${what}: expected an answer, got status ${status}`);
}
