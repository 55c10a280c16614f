// Which files of a repository are worth their download.

import { UserError } from "../base/errors.ts";
import type { RemoteFile } from "./listing.ts";
import type { RepoType } from "./repo-name.ts";

/** Text files, tokenizers and licences that go with any model. */
const withModel = /(^|\/)(LICENSE|LICENCE|NOTICE|USE_POLICY|README)|\.(json|jinja|md|txt|model)$/i;

/** The files that match one of the patterns. Without patterns: all of a data set; of a model what sekft and the Python tools load it
 *  from (its safetensors, or its one GGUF file, tokenizer, configuration and licence), not the same weights in other formats.
 *  @throws UserError when nothing matches, or there are several GGUF files to choose from. */
export function chooseFiles(
  files: readonly RemoteFile[],
  type: RepoType,
  include: readonly string[],
): RemoteFile[] {
  const names = files.map(({ path }) => path).slice(0, 12);
  const listed = `${names.join(", ")}${files.length > names.length ? ", ..." : ""}`;
  if (include.length > 0) {
    const globs = include.map((pattern) => new Bun.Glob(pattern));
    // As in Python's fnmatch, a pattern without a slash also means files in folders.
    const chosen = files.filter(({ path }) =>
      globs.some(
        (glob, i) => glob.match(path) || (!include[i]!.includes("/") && glob.match(path.split("/").at(-1)!)),
      ),
    );
    if (chosen.length === 0)
      throw new UserError(`--include ${include.join(" ")}: expected files of the repository, got none`, {
        hint: `it has ${listed || "no files"}`,
      });
    return chosen;
  }
  if (files.length === 0) throw new UserError("pull: expected a repository with files, got an empty one");
  if (type === "dataset") return [...files];
  const root = ({ path }: RemoteFile) => !path.includes("/");
  const safetensors = files.filter(
    (file) => root(file) && file.path.endsWith(".safetensors") && !file.path.startsWith("consolidated"),
  );
  const gguf = files.filter(({ path }) => path.endsWith(".gguf"));
  if (safetensors.length === 0 && gguf.length > 1)
    throw new UserError(`pull: expected one GGUF file, got ${gguf.length}`, {
      hint: `name one with --include: ${gguf.map(({ path }) => path).join(", ")}`,
    });
  if (safetensors.length === 0 && gguf.length === 0) return [...files];
  const weights = new Set(safetensors.length > 0 ? safetensors : gguf);
  return files.filter((file) => weights.has(file) || (root(file) && withModel.test(file.path)));
}
