// trainer_state.json as transformers 5.23 writes it (trainer_callback.py `TrainerState`), so that its users' plots go on working.

/** One entry of `log_history`. */
export type LogEntry = Readonly<Record<string, number>>;

/** What a run knows about itself that transformers' state has a place for. */
export interface TrainerStateInput {
  readonly epoch: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly loggingSteps: number;
  readonly evalSteps: number;
  readonly saveSteps: number;
  readonly totalFlops: number;
  readonly bestMetric: number | null;
  readonly bestStep: number | null;
  readonly bestCheckpoint: string | null;
  readonly earlyStopping?: { readonly patience: number; readonly threshold: number; readonly misses: number };
  readonly stopping: boolean;
  readonly logHistory: readonly LogEntry[];
}

/** The text of the file: keys sorted, indented by 2, a line break at the end. */
export function trainerStateText(state: TrainerStateInput): string {
  const { earlyStopping } = state;
  const value = {
    best_global_step: state.bestStep,
    best_metric: state.bestMetric,
    best_model_checkpoint: state.bestCheckpoint,
    epoch: state.epoch,
    eval_steps: state.evalSteps,
    global_step: state.step,
    is_hyper_param_search: false,
    is_local_process_zero: true,
    is_world_process_zero: true,
    log_history: state.logHistory.map((entry) =>
      Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1))),
    ),
    logging_steps: state.loggingSteps,
    max_steps: state.totalSteps,
    num_input_tokens_seen: 0,
    num_train_epochs: state.epochs,
    save_steps: state.saveSteps,
    stateful_callbacks: {
      ...(earlyStopping && {
        EarlyStoppingCallback: {
          args: {
            early_stopping_patience: earlyStopping.patience,
            early_stopping_threshold: earlyStopping.threshold,
          },
          attributes: { early_stopping_patience_counter: earlyStopping.misses },
        },
      }),
      TrainerControl: {
        args: {
          should_epoch_stop: false,
          should_evaluate: false,
          should_log: false,
          should_save: false,
          should_training_stop: state.stopping,
        },
        attributes: {},
      },
    },
    total_flos: state.totalFlops,
    train_batch_size: state.batchSize,
    trial_name: null,
    trial_params: null,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
