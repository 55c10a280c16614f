// Why a trajectory is not trained on. A refusal is about one row; a file that cannot be read is a DataError.

/** Reason codes, stable for machines. */
export type RefusalCode =
  | "template_error"
  | "no_assistant_turn"
  | "truncated_last_turn"
  | "overlong"
  | "no_end_of_turn"
  | "content_changed"
  | "bad_role"
  | "bad_content"
  | "system_not_leading"
  | "special_in_content"
  | "prompt_not_prefix"
  | "all_masked"
  | "bad_trajectory";

/** Thrown while one trajectory is encoded; caught by `encodeTrajectory`. */
export class RefusedError extends Error {
  constructor(
    readonly code: RefusalCode,
    readonly reason: string,
    options?: { cause?: unknown },
  ) {
    super(reason, options);
    this.name = "RefusedError";
  }
}

/** Stops the encoding of a trajectory. */
export function refuse(code: RefusalCode, reason: string, cause?: unknown): never {
  throw new RefusedError(code, reason, { cause });
}
