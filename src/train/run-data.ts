// The rows of a run by its method.

import type { TrainOptions } from "./options.ts";
import { loadPreferenceData } from "./preference/preference-data.ts";
import { isPreference } from "./preference/settings.ts";
import { loadTrainingData, type TrainingData } from "./training-data.ts";

/** Reads training and validation rows: sequences, or pairs.
 *  @throws UserError when there is nothing to train on, DataError for the first row that cannot be read. */
export function loadRunData(options: TrainOptions, vocab: number): Promise<TrainingData> {
  return isPreference(options) ? loadPreferenceData(options, vocab) : loadTrainingData(options, vocab);
}
