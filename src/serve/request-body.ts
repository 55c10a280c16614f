// Bodies of requests: read up to a limit, decoded strictly, parsed to an object.

import { DataError, SekftError } from "../base/errors.ts";
import { parseJson } from "../data/parse-json.ts";
import { isFields, kindOf } from "../data/turn-checks.ts";
import { ApiError } from "./api-error.ts";
import { RequestFields } from "./request-fields.ts";

/** Deeper than any request needs. */
const DEEPEST = 64;

/** Reads a body of at most `limit` bytes.
 *  @throws ApiError 413 as soon as it is longer, 400 when it ends early. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (bytes: number) =>
    new ApiError(413, `request: expected at most ${limit} bytes, got ${bytes} or more`, {
      code: "request_too_large",
      headers: { connection: "close" },
    });
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limit) throw tooLarge(declared);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > limit) throw tooLarge(bytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "request: expected a whole body, got one that ends early", { cause: error });
  }
  return Buffer.concat(chunks);
}

/** Reads a JSON object.
 *  @throws ApiError 400, 413 or 415 saying what is wrong. */
export async function readJson(request: Request, limit: number): Promise<RequestFields> {
  const value = await readJsonValue(request, limit);
  if (isFields(value)) return new RequestFields(value);
  throw new ApiError(400, `request: expected a JSON object, got ${kindOf(value)}`, { code: "invalid_json" });
}

/** Reads JSON of any kind.
 *  @throws ApiError 400, 413 or 415 saying what is wrong. */
export async function readJsonValue(request: Request, limit: number): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (!/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type ?? ""))
    throw new ApiError(415, `content-type: expected application/json, got ${type ?? "none"}`, {
      code: "unsupported_media_type",
    });
  const bytes = await readBytes(request, limit);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ApiError(400, "request: expected UTF-8, got other bytes", { code: "invalid_utf8", cause });
  }
  let value: unknown;
  try {
    value = parseJson(text, { file: "request" }, "file");
  } catch (cause) {
    const message = cause instanceof DataError ? `request: ${cause.complaint}` : String(cause);
    throw new ApiError(400, message.replace("the file ends", "it ends"), { code: "invalid_json", cause });
  }
  if (depthExceeds(value, DEEPEST))
    throw new ApiError(400, `request: expected JSON of at most ${DEEPEST} levels, got more`, {
      code: "invalid_json",
    });
  return value;
}

/** Reads a multipart form.
 *  @throws ApiError 400, 413 or 415. */
export async function readForm(request: Request, limit: number): Promise<FormData> {
  const type = request.headers.get("content-type") ?? "none";
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw new ApiError(415, `content-type: expected multipart/form-data, got ${type}`, {
      code: "unsupported_media_type",
    });
  const bytes = await readBytes(request, limit);
  try {
    return (await new Response(bytes, { headers: { "content-type": type } }).formData()) as FormData;
  } catch (cause) {
    if (cause instanceof SekftError) throw cause;
    throw new ApiError(400, "request: expected a multipart form, got one that cannot be read", { cause });
  }
}

/** Whether arrays and objects nest deeper than `levels`; its own stack is the heap's. */
function depthExceeds(value: unknown, levels: number): boolean {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: inner, depth } = next;
    if (typeof inner !== "object" || inner === null) continue;
    if (depth >= levels) return true;
    for (const child of Object.values(inner))
      if (typeof child === "object" && child !== null) open.push({ value: child, depth: depth + 1 });
  }
  return false;
}
