// The options of `sekft view`.

const group = "Server";

export const viewOptions = {
  paths: {
    type: "list",
    value: "[PATH ...]",
    usual: "runs and the folder you are in",
    help: "folders to look through for runs, or single files of data",
  },
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    help: "base whose tokenizer shows masks where a run does not name its own",
  },
  port: { type: "int", min: 0, max: 65535, default: 0, group, help: "port; 0 takes any free one" },
  host: {
    type: "string",
    default: "127.0.0.1",
    group,
    help: "127.0.0.1 or ::1: the page shows everything that lies in the folders, so it is for this machine only",
  },
  open: { type: "flag", default: true, group, help: "open the page in a browser" },
} as const;
