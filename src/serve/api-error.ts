// Failures as OpenAI's clients understand them: a status and {"error": {message, type, param, code}}.

import { GpuError, SekftError } from "../base/errors.ts";
import { RefusedError } from "../data/refused.ts";

/** What a failure says besides its message. */
export interface ApiErrorDetail {
  /** Field of the request. */
  readonly param?: string | undefined;
  /** Stable for machines. */
  readonly code?: string | undefined;
  /** Seconds after which the client may try again. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A request that cannot be answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly detail: ApiErrorDetail = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "ApiError";
  }

  /** The `error` object of the answer. */
  get body(): { message: string; type: string; param: string | null; code: string | null } {
    const { param = null, code = null } = this.detail;
    return { message: this.message, type: typeOf(this.status), param, code };
  }

  /** The whole answer. */
  response(): Response {
    const { retryAfter, headers } = this.detail;
    return Response.json(
      { error: this.body },
      {
        status: this.status,
        headers: { ...headers, ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }) },
      },
    );
  }
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 404) return "not_found_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** Any failure as an answer: what the user can mend is 400, what the device did 503, the rest a bug of ours. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof RefusedError)
    return new ApiError(400, `messages: ${error.reason}`, {
      param: "messages",
      code: error.code,
      cause: error,
    });
  if (error instanceof GpuError)
    return new ApiError(503, error.message, { code: "device_error", retryAfter: 5, cause: error });
  if (error instanceof SekftError)
    return new ApiError(400, error.hint ? `${error.message} (${error.hint})` : error.message, {
      cause: error,
    });
  return new ApiError(500, "internal error; the server's own output says more", {
    code: "internal_error",
    cause: error,
  });
}
