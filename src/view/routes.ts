// What each address behind the token answers. Ids and numbers are all that a request can name; paths never come from it.

import { statSync } from "node:fs";
import { join } from "node:path";
import { SekftError, UserError } from "../base/errors.ts";
import { dataStatistics } from "../data/statistics.ts";
import { episodesHtml } from "./episode-html.ts";
import { evalHtml } from "./eval-html.ts";
import type { Library } from "./library.ts";
import { Masks } from "./mask-html.ts";
import { pageHtml, pageScript, pageStyle } from "./page-files.ts";
import type { LogPiece } from "./shapes.ts";
import { logEntries } from "./summarise.ts";
import { readTrainLog } from "./train-log.ts";

/** No page of another site, no script that is not ours, no request but to this server. */
const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
} as const;

/** Data sets above this size are counted on the command line only: counting holds up every other answer. */
const MOST_COUNTED_BYTES = 200 << 20;

/** All routes over one library. */
export class Routes {
  private readonly masks: Masks;

  constructor(private readonly library: Library) {
    this.masks = new Masks(library);
  }

  /** Answers `path` (without token and leading slash); never throws. */
  async answer(path: string, query: URLSearchParams): Promise<Response> {
    try {
      const file = files[path];
      if (file)
        return new Response(file.text, { headers: { ...securityHeaders, "content-type": file.type } });
      const value = await this.value(path, query);
      if (value !== undefined) return Response.json(value, { headers: securityHeaders });
      return problem(404, "path: expected one of the page's own addresses, got another");
    } catch (error) {
      if (error instanceof SekftError) return problem(422, error.message, error.hint);
      return problem(500, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  private async value(path: string, query: URLSearchParams): Promise<object | undefined> {
    if (path === "api/runs") return this.library.list();
    const [, id = "", what = ""] = /^api\/runs\/([0-9a-f]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
    if (id === "") return undefined;
    const run = this.library.find(id);
    switch (what) {
      case "":
        return this.library.detail(run);
      case "log":
        return trainLog(run.path, query);
      case "eval":
        return {
          html: evalHtml(
            run.path,
            this.library.detail(run).hasEpisodes ? this.library.pages(run).source : undefined,
          ),
        };
      case "episodes":
        return this.library.pages(run).page({
          arm: query.get("arm") ?? "",
          outcome: query.get("outcome") ?? "",
          archetype: query.get("archetype") ?? "",
          flips: query.get("flips") === "1",
          text: query.get("text") ?? "",
          from: whole(query, "from", 0),
          count: Math.min(200, whole(query, "count", 60)),
        });
      case "episode": {
        const { source } = this.library.pages(run);
        const rows = (query.get("rows") ?? "").split(",").map(Number);
        for (const row of rows) checkRow(row, source.table.length);
        return { html: episodesHtml(source, rows) };
      }
      case "bases":
        return this.library.bases(run).map(({ id, name }) => ({ id, name }));
      case "mask": {
        const row = whole(query, "row", 0);
        checkRow(row, this.library.pages(run).source.table.length);
        return { html: this.masks.html(run, row, query.get("base") ?? "") };
      }
      case "statistics":
        return this.statistics(run, query.get("base") ?? "");
      default:
        return undefined;
    }
  }

  private statistics(run: Parameters<Library["pages"]>[0], base: string): Promise<object> {
    const { file } = this.library.pages(run).source;
    const { size } = statSync(file);
    if (size > MOST_COUNTED_BYTES)
      throw new UserError(`${file}: expected at most 200 MiB to count in a page, got ${size} bytes`, {
        hint: "sekft inspect data --data FILE counts it",
      });
    const options = {
      data: file,
      all: false,
      maxLength: 4096,
      overlong: "drop",
      strictPrefix: false,
      specialInContent: "keep",
    } as const;
    return dataStatistics(options, base === "" ? undefined : this.masks.format(run, base));
  }
}

const files: Readonly<Record<string, { readonly text: string; readonly type: string }>> = {
  "": { text: pageHtml, type: "text/html; charset=utf-8" },
  "page.js": { text: pageScript, type: "text/javascript; charset=utf-8" },
  "page.css": { text: pageStyle, type: "text/css; charset=utf-8" },
};

function trainLog(folder: string, query: URLSearchParams): LogPiece {
  const log = join(folder, "log.jsonl");
  const from = { byte: whole(query, "byte", 0), line: whole(query, "line", 0) };
  if (statSync(log, { throwIfNoEntry: false })) return readTrainLog(log, from);
  const { entries, damage } = logEntries(folder);
  return { entries, next: { byte: 0, line: 0 }, restarted: true, damage, tornBytes: 0 };
}

/** @throws UserError for what is no number from 0 on */
function whole(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UserError(`${name}: expected a whole number, got ${JSON.stringify(text)}`);
}

function checkRow(row: number, rows: number): void {
  if (Number.isInteger(row) && row >= 0 && row < rows) return;
  throw new UserError(`row: expected 0 to ${rows - 1}, got ${row}`);
}

function problem(status: number, error: string, hint?: string): Response {
  return Response.json({ error, ...(hint !== undefined && { hint }) }, { status, headers: securityHeaders });
}
