// `sekft pull`: a model or data set from the Hub, into the cache that the Python tools share.

import { defineCommand } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { lockFileName } from "../hub/lock-file-name.ts";

export const pull = defineCommand({
  name: "pull",
  summary: "Downloads a model or data set from the Hub: resumable, checksummed, pinned",
  description:
    "Goes on where an earlier pull was cut, checks every file's hash, and writes the commit to the lock file, which later pulls keep to. " +
    "HF_TOKEN, HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE mean what they mean to the Python tools, and the cache is theirs.",
  operand: "repo",
  options: {
    repo: { type: "string", value: "ORG/NAME", help: "the repository" },
    revision: { type: "string", value: "REV", default: "main", help: "branch, tag or commit" },
    repoType: { type: "string", choices: ["model", "dataset"], default: "model", help: "what it is" },
    include: {
      type: "list",
      value: "GLOB",
      help: "only these files; without it what a model is loaded from, or all of a data set",
    },
    offline: { type: "flag", help: "use the cache only" },
    update: { type: "flag", help: "take the newest commit though the lock file pins one" },
    lock: { type: "string", value: "FILE", default: lockFileName, help: "lock file" },
    jobs: { type: "int", min: 1, max: 64, default: 8, help: "files at once" },
  },
  examples: [
    {
      line: "sekft pull mistralai/Mistral-7B-Instruct-v0.2",
      does: "downloads the model and pins its commit",
    },
    {
      line: "sekft pull tiararodney/posix-sdc --repo-type dataset --revision v1",
      does: "downloads a data set at a tag",
    },
  ],
  async run(options, terminal) {
    const { pullRepo } = await import("../hub/pull-repo.ts");
    const { hubSettings } = await import("../hub/settings.ts");
    const { formatBytes, formatCount } = await import("../base/format.ts");
    if (options.repo === undefined)
      throw new UserError("pull: expected the name of a repository, got nothing", {
        hint: "sekft pull org/name",
      });
    const settings = hubSettings();
    const done = await pullRepo(
      { type: options.repoType as "model" | "dataset", name: options.repo, revision: options.revision },
      { include: options.include ?? [], jobs: options.jobs, lockFile: options.lock, update: options.update },
      { ...settings, offline: settings.offline || options.offline },
      terminal,
    );
    if (terminal.json) {
      terminal.out(JSON.stringify({ repo: options.repo, ...done }));
      return;
    }
    terminal.note(
      `${options.repo}: ${formatCount(done.files)} files, ${formatBytes(done.bytes)} (${formatBytes(done.downloaded)} downloaded), commit ${done.commit}`,
    );
    terminal.out(done.path);
  },
});
