// OpenAI's /v1/fine_tuning/jobs.

import type { FileStore } from "./file-store.ts";
import { readJobRequest } from "./job-options.ts";
import type { JobQueue } from "./job-queue.ts";
import { page } from "./listing.ts";
import type { Route } from "./router.ts";

const jobs = "/v1/fine_tuning/jobs";

/** The routes of fine-tuning jobs. */
export function jobRoutes(queue: JobQueue, files: FileStore): Route[] {
  return [
    {
      method: "POST",
      path: jobs,
      handle: async ({ json }) => Response.json(queue.add(readJobRequest(await json(), files)).shape()),
    },
    {
      method: "GET",
      path: jobs,
      handle: ({ url }) =>
        page(
          queue.list.map((job) => ({ ...job.shape(), id: job.id })),
          url.searchParams,
          20,
        ),
    },
    {
      method: "GET",
      path: `${jobs}/:job`,
      handle: ({ params }) => Response.json(queue.get(params.job!).shape()),
    },
    {
      method: "GET",
      path: `${jobs}/:job/events`,
      handle: ({ params, url }) => page(queue.get(params.job!).events, url.searchParams, 20),
    },
    {
      method: "GET",
      path: `${jobs}/:job/checkpoints`,
      handle: ({ params, url }) => page(queue.get(params.job!).checkpoints(), url.searchParams, 10),
    },
    {
      method: "POST",
      path: `${jobs}/:job/cancel`,
      handle: ({ params }) => {
        const job = queue.get(params.job!);
        queue.cancel(job);
        return Response.json(job.shape());
      },
    },
  ];
}
