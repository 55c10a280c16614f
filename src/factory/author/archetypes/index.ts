// Every archetype of the taxonomy and the function that composes its work.

import type { ArchetypeName } from "../../taxonomy.ts";
import type { Seat } from "../seat.ts";
import type { Work } from "../work.ts";
import { fileCopy, fileCreate } from "./file-create.ts";
import { permissions } from "./permissions.ts";

/** The makers, by archetype. */
export const archetypeMakers = {
  file_create: fileCreate,
  file_copy: fileCopy,
  permissions,
} as unknown as Readonly<Record<ArchetypeName, (seat: Seat) => Work>>;
