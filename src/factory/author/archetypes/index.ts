// Every archetype of the taxonomy and the function that composes its work.

import type { ArchetypeName } from "../../taxonomy.ts";
import type { Seat } from "../seat.ts";
import type { Work } from "../work.ts";
import { archive } from "./archive.ts";
import { blocked, emptyQueue } from "./blocked.ts";
import { cleanup, findFile } from "./cleanup.ts";
import { checksum, compareFiles } from "./compare.ts";
import { csvSum, lineCount, searchCount } from "./count.ts";
import { configEdit, deleteLines, textReplace } from "./edit.ts";
import { fileCopy, fileCreate } from "./file-create.ts";
import { dirTree, symlink } from "./layout.ts";
import { logExtract } from "./log-extract.ts";
import { fileAppend, fileMove, renameBatch } from "./move-append.ts";
import { permissions } from "./permissions.ts";
import { processEnv } from "./process-env.ts";
import { fileTransform, headTail, sortUnique } from "./transform.ts";
import { twoStep } from "./two-step.ts";

/** The makers, by archetype. */
export const archetypeMakers: Readonly<Record<ArchetypeName, (seat: Seat) => Work>> = {
  file_create: fileCreate,
  file_transform: fileTransform,
  search_count: searchCount,
  text_replace: textReplace,
  permissions,
  log_extract: logExtract,
  cleanup,
  archive,
  csv_sum: csvSum,
  process_env: processEnv,
  file_move: fileMove,
  file_copy: fileCopy,
  file_append: fileAppend,
  dir_tree: dirTree,
  symlink,
  head_tail: headTail,
  sort_unique: sortUnique,
  line_count: lineCount,
  rename_batch: renameBatch,
  delete_lines: deleteLines,
  checksum,
  config_edit: configEdit,
  compare_files: compareFiles,
  find_file: findFile,
  two_step: twoStep,
  empty_queue: emptyQueue,
  blocked,
};
