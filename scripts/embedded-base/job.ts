// One piece of work that a person asks for: the files it needs, the words of the request, and commands that do it.

import type { Draw } from "./names.ts";

/** A file that is there before. */
export interface Given {
  readonly path: string;
  readonly content: string;
  readonly mode?: string;
}

/** One request and one way of doing it. */
export interface Job {
  readonly kind: string;
  readonly dirs?: readonly string[];
  readonly files?: readonly Given[];
  readonly env?: Readonly<Record<string, string>>;
  /** A line of the login text that the job needs. */
  readonly opening?: string;
  /** What the person says. */
  readonly text: string;
  /** One way of doing it, looks and failing tries included. */
  readonly commands: readonly string[];
  /** It cannot be done, which the commands find out. */
  readonly impossible?: boolean;
}

/** Makes a job for `user`. */
export type JobMaker = (draw: Draw, user: string) => Job;
