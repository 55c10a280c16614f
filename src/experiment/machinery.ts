// What an experiment borrows: models, training and worlds, which only commands may bring together.

import type { Terminal } from "../base/command.ts";
import type { DescribedArm } from "../eval/evaluate.ts";
import type { SandboxProvider } from "../sandbox/contract.ts";
import type { TrainOptions } from "../train/options.ts";
import type { GivenOptions } from "./spec.ts";

/** A model to be evaluated. */
export interface ModelRequest {
  /** What episodes call it. */
  readonly name: string;
  /** Folder or file of the base. */
  readonly base: string;
  /** Folder of the adapter; null: the base itself. */
  readonly adapter: string | null;
  /** Options of `sekft eval`, complete. */
  readonly options: GivenOptions;
}

/** A model that is there until disposed of. */
export interface OpenedModel extends AsyncDisposable {
  readonly arm: DescribedArm;
  /** What it runs on. */
  readonly device?: string | undefined;
}

/** What an experiment borrows. */
export interface Machinery {
  /** Folder or file of a base; `embedded` is laid out first.
   *  @throws UserError when there is none */
  base(path: string): Promise<string>;
  /** File of replay rows; `embedded` is laid out first. */
  replay(file: string): Promise<string>;
  /** Content hash of a base. */
  fingerprint(base: string): Promise<string>;
  /** Worlds, with `given` options of the sandbox over their defaults. */
  openSandbox(given: GivenOptions, terminal: Terminal): Promise<SandboxProvider>;
  /** Trains, or goes on. @throws Interrupted */
  train(options: TrainOptions, terminal: Terminal): Promise<void>;
  openModel(request: ModelRequest, terminal: Terminal): Promise<OpenedModel>;
  /** How likely a base finds the terminals at the real decision points of sessions, as `sekft inspect terminals --json` tells it.
   *  @param request `name`: what the result calls the base; `data`: a file of trajectories; `options`: how the base is held */
  inspectTerminals(
    request: {
      readonly name: string;
      readonly base: string;
      readonly data: string;
      readonly options: GivenOptions;
    },
    terminal: Terminal,
  ): Promise<Readonly<Record<string, unknown>>>;
}
