// Paths to handlers, with names for the parts of a path that vary.

import { ApiError } from "./api-error.ts";
import { readForm, readJson, readJsonValue } from "./request-body.ts";
import type { RequestFields } from "./request-fields.ts";

/** A request on its way to a handler. */
export interface RoutedRequest {
  readonly request: Request;
  readonly url: URL;
  /** Values of the `:name` parts. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal;
  /** The body as a JSON object. */
  json(): Promise<RequestFields>;
  /** The body as a form with files. */
  form(): Promise<FormData>;
  /** The body as JSON of any kind. */
  value(): Promise<unknown>;
}

/** Answers a request. */
export type Handler = (request: RoutedRequest) => Response | Promise<Response>;

/** One path, e.g. `/v1/files/:id/content`. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** Answered without a key. */
  readonly open?: boolean;
  readonly handle: Handler;
}

/** Largest bodies. */
export interface BodyLimits {
  readonly maxRequestBytes: number;
  readonly maxFileBytes: number;
}

/** Finds the route of a request.
 *  @throws ApiError 404 or 405. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  pathname: string,
): { route: Route; params: Record<string, string> } {
  const parts = pathname.split("/");
  const matches = routes.flatMap((route) => {
    const params = match(route.path.split("/"), parts);
    return params ? [{ route, params }] : [];
  });
  if (matches.length === 0)
    throw new ApiError(404, `path: expected one that is served, got ${pathname.slice(0, 200)}`, {
      code: "unknown_url",
    });
  const found = matches.find(
    ({ route }) => route.method === method || (method === "HEAD" && route.method === "GET"),
  );
  if (found) return found;
  const allow = matches.map(({ route }) => route.method).join(", ");
  throw new ApiError(405, `method: expected ${allow}, got ${method}`, {
    code: "method_not_allowed",
    headers: { allow },
  });
}

/** What a handler gets. */
export function routed(
  request: Request,
  url: URL,
  params: Readonly<Record<string, string>>,
  limits: BodyLimits,
): RoutedRequest {
  return {
    request,
    url,
    params,
    signal: request.signal,
    json: () => readJson(request, limits.maxRequestBytes),
    form: () => readForm(request, limits.maxFileBytes),
    value: () => readJsonValue(request, limits.maxRequestBytes),
  };
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, piece] of pattern.entries()) {
    const part = parts[i]!;
    if (!piece.startsWith(":")) {
      if (piece !== part) return undefined;
      continue;
    }
    try {
      params[piece.slice(1)] = decodeURIComponent(part);
    } catch {
      return undefined;
    }
  }
  return params;
}
