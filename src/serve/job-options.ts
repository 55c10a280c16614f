// A fine-tuning request as options of `train`: OpenAI's hyperparameters, and under `options` everything that train itself takes.

import { closest } from "../base/errors.ts";
import { findKey } from "../base/options.ts";
import { resolveOptions } from "../base/resolve.ts";
import { expectation, optionNames, readValue } from "../base/values.ts";
import { fullOptions } from "../train/full/full-options.ts";
import { gateOptions } from "../train/gates/gate-options.ts";
import { type TrainOptions, trainOptions } from "../train/options.ts";
import { defaultLearningRates } from "../train/preference/settings.ts";
import type { FileStore } from "./file-store.ts";
import type { RequestFields } from "./request-fields.ts";

/** What a client asks to be trained. */
export interface JobRequest {
  /** Base or adapter to start from. */
  readonly model: string;
  readonly trainingFile: string;
  readonly validationFile: string | null;
  readonly suffix: string | null;
  readonly metadata: unknown;
  /** OpenAI's three numbers as they were asked for. */
  readonly hyperparameters: Hyperparameters;
  /** Rows are ids ({input_ids, labels}) instead of messages. */
  readonly tokenized: boolean;
  /** Files of an adapter to start from. */
  readonly initAdapter: { readonly config: string; readonly weights: string } | undefined;
  readonly chatTemplate: string | undefined;
  /** By key of train's table. */
  readonly values: Readonly<Record<string, unknown>>;
}

interface Hyperparameters {
  readonly n_epochs: number | "auto";
  readonly batch_size: number | "auto";
  readonly learning_rate_multiplier: number | "auto";
}

/** Options that are the server's own business, or that name files, which clients send by id. */
const ownOptions: ReadonlySet<string> = new Set([
  "method",
  "refAdapter",
  "base",
  "data",
  "tokenized",
  "evalData",
  "evalTokenized",
  "chatTemplate",
  "initAdapter",
  "inspect",
  "out",
  "resume",
  "resumeFromCheckpoint",
  "overwrite",
  ...Object.keys(gateOptions),
  ...Object.keys(fullOptions),
]);

/** Options of train that a job takes. */
export const jobOptionKeys = Object.keys(trainOptions).filter((key) => !ownOptions.has(key));

/** Reads the body of a job.
 *  @throws ApiError 400 naming the field; 404 for a file that is not there. */
export function readJobRequest(fields: RequestFields, files: FileStore): JobRequest {
  const model = fields.required("model");
  const trainingFile = fileId(fields, "training_file", files, fields.required("training_file"));
  const validation = fields.string("validation_file");
  const suffix = fields.string("suffix") ?? null;
  if (suffix !== null && !/^\w[\w.+-]{0,63}$/.test(suffix))
    throw fields.error("suffix", "expected up to 64 letters, digits and . _ + -, got another name");
  const hyperparameters = readHyperparameters(fields);
  const seed = fields.integer("seed", { min: 0, max: 4294967295 });
  const init = fields.object("init_adapter");
  const initAdapter = init && {
    config: fileId(init, "config", files, init.required("config")),
    weights: fileId(init, "weights", files, init.required("weights")),
  };
  init?.refuseRest();
  const chatTemplate = fields.string("chat_template");
  if (chatTemplate !== undefined) fileId(fields, "chat_template", files, chatTemplate);
  const tokenized = fields.boolean("tokenized") ?? false;
  const metadata = fields.any("metadata") ?? null;
  if ((fields.array("integrations") ?? []).length > 0)
    throw fields.error("integrations", "expected none, which sekft has not", "unsupported");
  const options = fields.object("options");
  fields.refuseRest();
  const values = {
    ...openAiOptions(hyperparameters),
    ...(seed !== undefined && { seed }),
    ...readOptions(options),
  };
  return {
    model,
    trainingFile,
    validationFile: validation === undefined ? null : fileId(fields, "validation_file", files, validation),
    suffix,
    metadata,
    hyperparameters,
    tokenized,
    initAdapter,
    chatTemplate,
    values,
  };
}

/** The options of the run.
 *  @param own what the server decides.
 *  @throws UserError when a combination is refused. */
export function trainOptionsOf(
  request: JobRequest,
  own: Partial<TrainOptions> & { readonly base: string; readonly out: string },
): TrainOptions {
  return resolveOptions(trainOptions, {}, { ...own, ...request.values });
}

function fileId(fields: RequestFields, name: string, files: FileStore, id: string): string {
  if (files.list.some((file) => file.id === id)) return id;
  throw fields.error(name, `expected the id of an uploaded file, got ${id.slice(0, 80)}`, "no_such_file");
}

function readHyperparameters(fields: RequestFields): Hyperparameters {
  const method = fields.object("method");
  const type = method?.string("type") ?? "supervised";
  if (type !== "supervised")
    throw method!.error("type", `expected supervised, got ${type.slice(0, 80)}`, "unsupported");
  const supervised = method?.object("supervised");
  method?.refuseRest();
  const given = supervised?.object("hyperparameters");
  supervised?.refuseRest();
  const older = fields.object("hyperparameters");
  const parameters = given ?? older;
  const read = (name: string, min: number, whole: boolean): number | "auto" => {
    if (!parameters || parameters.any(name) === "auto") return "auto";
    return (whole ? parameters.integer(name, { min }) : parameters.number(name, { min })) ?? "auto";
  };
  const read3 = {
    n_epochs: read("n_epochs", 1, true),
    batch_size: read("batch_size", 1, true),
    learning_rate_multiplier: read("learning_rate_multiplier", 0, false),
  };
  parameters?.refuseRest();
  return read3;
}

/** OpenAI's batch is what one update sees; its multiplier is one of the default rate. */
function openAiOptions({
  n_epochs,
  batch_size,
  learning_rate_multiplier,
}: Hyperparameters): Record<string, unknown> {
  return {
    ...(n_epochs !== "auto" && { numTrainEpochs: n_epochs }),
    ...(batch_size !== "auto" && { gradientAccumulationSteps: batch_size }),
    ...(learning_rate_multiplier !== "auto" && {
      learningRate: learning_rate_multiplier * defaultLearningRates.sft,
    }),
  };
}

function readOptions(options: RequestFields | undefined): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of options?.present ?? []) {
    const raw = options!.any(name);
    const key = findKey(trainOptions, name);
    if (key === undefined || ownOptions.has(key)) {
      const near = closest(name.replaceAll("_", "-"), optionNames(trainOptions));
      throw options!.error(
        name.slice(0, 80),
        key === undefined
          ? `expected an option of sekft train${near ? `; did you mean ${near}?` : ""}`
          : "expected an option of the training itself; this one is the server's",
        "unknown_parameter",
      );
    }
    const option = trainOptions[key as keyof typeof trainOptions];
    const value = readValue(option, raw);
    if (value === undefined) throw options!.error(name, `expected ${expectation(option)}`);
    values[key] = value;
  }
  return values;
}
