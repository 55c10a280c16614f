// `sekft train`: from trajectories to a PEFT adapter by LoRA or QLoRA, or to a model by training weights of the base itself.

import { defineCommand } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { trainOptions } from "../train/options.ts";

export const train = defineCommand({
  name: "train",
  summary: "Trains an adapter, or weights of the base itself, on trajectories or preference pairs",
  description:
    "Writes a PEFT directory with checkpoints, logs and everything that says how it was made. Ctrl-C saves; --resume goes on, bit for bit. On resume logging, evaluation, saving, gradient checkpointing and, where no learning rate used so far depends on it, the number of steps may change. With windows and gates in a --config file a run measures itself on the way and stops itself.",
  options: {
    ...trainOptions,
    resident: {
      type: "string",
      value: "URL",
      group: "Device",
      help: "run on the hot base of a `sekft resident` there, which serves the adapter at once",
    },
  },
  examples: [
    {
      line: "sekft train --data ./trajectories --base ./SmolLM2-135M-Instruct --out ./ckpt",
      does: "trains with the defaults: r 16, q/k/v/o, three epochs",
    },
    {
      line: "sekft train --data rows.jsonl --base ./Mistral-7B --out ./ckpt --load-4bit --save-steps 50 --resume",
      does: "QLoRA with a checkpoint every 50 steps; goes on where it stopped",
    },
    {
      line: "sekft train --data rows.jsonl --base ./Mistral-7B --out ./ckpt --resident http://127.0.0.1:8080",
      does: "trains on the base that a resident server holds, without loading it again",
    },
    {
      line: "sekft train --method dpo --data pairs.jsonl --base ./SmolLM2-135M-Instruct --adapter ./ckpt --out ./dpo --learning-rate 1e-5",
      does: "learns preferences: goes on from an adapter, which is the reference as well",
    },
  ],
  async run(options, terminal) {
    if (options.inspect) {
      if (options.method !== "sft")
        throw new UserError(`--inspect: expected --method sft, got ${options.method}`, {
          hint: "it shows trajectories; `sekft plan` with the same options counts the pairs",
        });
      const { showMask } = await import("./inspect-mask.ts");
      return showMask({ ...options, data: givenData(options.data), ...view }, terminal);
    }
    const { resident, ...run } = options;
    if (resident !== undefined) {
      if (options.method !== "sft")
        throw new UserError(`--resident: expected --method sft, got ${options.method}`, {
          hint: "leave --resident out: preference training loads the base itself",
        });
      if (options.windows !== undefined || options.gates !== undefined)
        throw new UserError("--resident: expected a run without windows and gates, got one with them", {
          hint: "leave --resident out: a run that measures itself loads the base itself",
        });
      if (options.full !== undefined || options.stages !== undefined)
        throw new UserError("--resident: expected a run of an adapter alone, got one of the base itself", {
          hint: "leave --resident out: training the base itself would change it under everybody else",
        });
      const { trainOnResident } = await import("../serve/train-on-resident.ts");
      return trainOnResident(resident, run, terminal);
    }
    const { train: start } = await import("../train/session.ts");
    if (run.windows === undefined) return start(run, terminal);
    const { keepFormatProbe, openRunWindows } = await import("./train-windows.ts");
    await using windows = await openRunWindows(run, terminal);
    await start(run, terminal, undefined, windows);
    keepFormatProbe(run.out!);
  },
});

// What `inspect mask` shows when nobody says otherwise.
const view = { index: undefined, limit: undefined, html: undefined } as const;

function givenData(data: string | undefined): string {
  if (data !== undefined) return data;
  throw new UserError("--inspect: expected --data, got nothing", {
    hint: "it shows how trajectories become tokens",
  });
}
