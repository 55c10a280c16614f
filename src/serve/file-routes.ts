// OpenAI's /v1/files: what a fine-tuning job reads and writes.

import { ApiError } from "./api-error.ts";
import type { FileStore } from "./file-store.ts";
import { page } from "./listing.ts";
import type { Route } from "./router.ts";

/** The routes of files. */
export function fileRoutes(files: FileStore): Route[] {
  return [
    {
      method: "POST",
      path: "/v1/files",
      handle: async ({ form }) => {
        const fields = await form();
        const file = fields.get("file");
        const purpose = fields.get("purpose");
        if (!(file instanceof Blob))
          throw new ApiError(400, "file: expected a file, got nothing", { param: "file" });
        if (purpose !== "fine-tune")
          throw new ApiError(
            400,
            `purpose: expected fine-tune, got ${typeof purpose === "string" ? purpose.slice(0, 80) : "nothing"}`,
            {
              param: "purpose",
            },
          );
        const name = "name" in file && typeof file.name === "string" ? file.name : "upload.jsonl";
        return Response.json(
          files.add(new Uint8Array(await file.arrayBuffer()), name.slice(0, 255), purpose),
        );
      },
    },
    {
      method: "GET",
      path: "/v1/files",
      handle: ({ url }) => {
        const purpose = url.searchParams.get("purpose");
        const wanted = files.list.filter((file) => purpose === null || file.purpose === purpose);
        return page(wanted, url.searchParams, 10_000);
      },
    },
    {
      method: "GET",
      path: "/v1/files/:file",
      handle: ({ params }) => Response.json(files.get(params.file!)),
    },
    {
      method: "GET",
      path: "/v1/files/:file/content",
      // Never as a page: a browser that is led here must not run what was uploaded.
      handle: ({ params }) =>
        new Response(Bun.file(files.path(params.file!)), {
          headers: { "content-type": "application/octet-stream", "x-content-type-options": "nosniff" },
        }),
    },
    {
      method: "DELETE",
      path: "/v1/files/:file",
      handle: ({ params }) => {
        files.remove(params.file!);
        return Response.json({ id: params.file, object: "file", deleted: true });
      },
    },
  ];
}
