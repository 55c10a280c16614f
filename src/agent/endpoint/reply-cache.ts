// Answers that were paid for are not asked for again: a folder of files, each named by the hash of what was asked.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/atomic.ts";
import type { ChatReply } from "./completion.ts";

const VERSION = 1;

/** A cache of answers, content-addressed. Anything unreadable in it counts as not there. */
export class ReplyCache {
  constructor(private readonly folder: string) {}

  /** The address of a question: every field that may change the answer. Keys of API accounts must not be among them. */
  static key(question: unknown): string {
    return createHash("sha256")
      .update(canonical({ version: VERSION, question }))
      .digest("hex");
  }

  get(key: string): ChatReply | undefined {
    try {
      const { version, ...reply } = JSON.parse(readFileSync(this.path(key), "utf8"));
      return version === VERSION && typeof reply.content === "string"
        ? { ...reply, cached: true }
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws UserError when the disk is full or the folder cannot be written. */
  put(key: string, { cached: _, ...reply }: ChatReply): void {
    writeFileAtomic(this.path(key), `${JSON.stringify({ version: VERSION, ...reply })}\n`);
  }

  private path(key: string): string {
    return join(this.folder, key.slice(0, 2), `${key}.json`);
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one) =>
    one && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
