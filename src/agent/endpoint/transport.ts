// One HTTP exchange: a request out, a status and a bounded body back, or a failure of a named kind.

import { InfrastructureError } from "../../base/errors.ts";
import type { EndpointAddress } from "./address.ts";

/** Bytes of the largest answer that is read. */
const LARGEST_BODY = 16 * 2 ** 20;

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A request. */
export interface Ask {
  readonly method: "GET" | "POST";
  /** Whole address. */
  readonly url: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Sends one request over an address with a key.
 *  @throws InfrastructureError `timeout` when the whole answer was not there in time, `api_error` when the connection failed
 *  or broke or the answer has no end; the caller's own signal's reason when it was aborted. */
export async function exchange(address: EndpointAddress, key: string | undefined, ask: Ask): Promise<Answer> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), ask.timeoutMs);
  try {
    const response = await fetch(ask.url, {
      method: ask.method,
      headers: {
        accept: "application/json",
        ...(ask.body !== undefined && { "content-type": "application/json" }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(ask.body !== undefined && { body: JSON.stringify(ask.body) }),
      ...(address.socket !== undefined && { unix: address.socket }),
      signal: ask.signal ? AbortSignal.any([ask.signal, clock.signal]) : clock.signal,
      // Bun's own limit of five minutes would cut long answers short.
      timeout: false,
    } as BunFetchRequestInit);
    return { status: response.status, headers: response.headers, body: await readBody(response) };
  } catch (cause) {
    if (ask.signal?.aborted) throw ask.signal.reason;
    if (cause instanceof InfrastructureError) throw cause;
    if (clock.signal.aborted)
      throw new InfrastructureError(
        "timeout",
        `endpoint ${address.shown}: expected an answer within ${ask.timeoutMs / 1000} s, got none`,
        { hint: "raise --request-timeout if the model is that slow", cause },
      );
    const code = (cause as NodeJS.ErrnoException).code ?? (cause as Error).name;
    const down = /refused|ENOENT|NotFound|FailedToOpenSocket|ENOTFOUND|EAI_AGAIN/i.test(code);
    throw new InfrastructureError(
      "api_error",
      down
        ? `endpoint ${address.shown}: expected a server that answers, got no connection`
        : `endpoint ${address.shown}: expected a whole answer, got a broken connection (${code})`,
      { hint: down ? "start it, or correct --url" : "see the server's log", cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(response: Response): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
    if (size > LARGEST_BODY) {
      await reader.cancel().catch(() => {});
      throw new InfrastructureError(
        "api_error",
        `endpoint: expected an answer of at most ${LARGEST_BODY} bytes, got more`,
      );
    }
  }
  return Buffer.concat(chunks).toString("utf8");
}
