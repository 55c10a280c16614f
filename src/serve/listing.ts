// OpenAI's lists: a page of items, and whether there are more.

import { ApiError } from "./api-error.ts";

/** A page of `items`, which are newest first, as `after`, `limit` and `order` of the query ask.
 *  @throws ApiError 400 for a limit that is none. */
export function page<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
  fallback: number,
): Response {
  const limit = Number(query.get("limit") ?? fallback);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new ApiError(400, `limit: expected a whole number from 1 to 10000, got ${query.get("limit")}`, {
      param: "limit",
    });
  const ordered = query.get("order") === "asc" ? items.toReversed() : items;
  const after = query.get("after");
  const from = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && from === 0)
    throw new ApiError(400, `after: expected an id of this list, got ${after.slice(0, 80)}`, {
      param: "after",
    });
  const data = ordered.slice(from, from + limit);
  return Response.json({
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + limit < ordered.length,
  });
}
