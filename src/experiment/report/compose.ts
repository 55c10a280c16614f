// The report of an experiment, section by section, from what is recorded and nothing else.

import { formatCount } from "../../base/format.ts";
import { costSection, factSection, truncationSection } from "./cost.ts";
import { dataSection } from "./data.ts";
import { type Block, paragraph, publicText, type Report, type Section } from "./document.ts";
import { findingsOf, type SetFindings } from "./findings.ts";
import { onlyArms, predictionSection } from "./predictions.ts";
import { provenanceSection, warningsOf } from "./provenance.ts";
import type { Recorded } from "./recorded.ts";
import {
  archetypeSection,
  comparisonSection,
  fileWord,
  outcomeSection,
  sessionSection,
  setBlocks,
} from "./results.ts";
import { trainingSection } from "./training.ts";

/** The report and what it was made of. */
export interface Composed {
  readonly report: Report;
  /** Arms that the experiment's file names, set by set; those of predictions stand apart. */
  readonly sets: readonly SetFindings[];
  readonly all: readonly SetFindings[];
  readonly warnings: readonly string[];
}

/** Composes the report. */
export function compose(recorded: Recorded): Composed {
  const all = findingsOf(recorded);
  const { arms } = recorded.record.spec;
  const sets = onlyArms(all, (arm) => (arms[arm]!.prediction ?? null) === null);
  const warnings = warningsOf(recorded, all);
  const sections: Section[] = [
    introduction(recorded, warnings),
    {
      title: "Results",
      blocks: sets.flatMap((set) => setBlocks(set, fileWord(set.set))),
    },
    archetypeSection(sets),
    outcomeSection(all),
    comparisonSection(all),
    sessionSection(sets),
    predictionSection(recorded, all),
    dataSection(recorded),
    trainingSection(recorded),
    truncationSection(recorded),
    costSection(recorded),
    factSection(recorded),
    provenanceSection(recorded),
  ];
  return {
    report: {
      title: `Experiment ${recorded.record.name}`,
      sections: sections.filter(({ blocks }, i) => i === 0 || blocks.length > 0),
    },
    sets,
    all,
    warnings,
  };
}

function introduction({ record, evals, trainings }: Recorded, warnings: readonly string[]): Section {
  const { spec, stages } = record;
  const done = stages.filter(({ state }) => state === "done").length;
  const bases = Object.entries(spec.bases).map(([name, path]) =>
    publicText(path) === name ? name : `${name} (${publicText(path)})`,
  );
  const blocks: Block[] = [
    paragraph(
      `${bases.length === 1 ? "Base" : "Bases"}: ${bases.join(", ")}. Held out of training: ${spec.holdout?.join(", ") || "no archetype"}. ${Object.keys(spec.arms).length} arms, ${trainings.length} trained adapters, ${formatCount(evals.reduce((sum, { episodes }) => sum + episodes.length, 0))} sessions measured. ${done} of ${stages.length} stages that have begun are done.`,
    ),
    ...(warnings.length === 0
      ? []
      : [paragraph("Before you read the numbers:"), { kind: "list", items: warnings, warn: true } as const]),
  ];
  return { title: "", blocks };
}
