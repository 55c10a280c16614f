// What a reader has to be wary of, and what is needed to do it all again.

import { show } from "../../base/errors.ts";
import { type Difference, manifestDifferences } from "../../eval/manifest.ts";
import { isObject } from "../../formats/json-file.ts";
import { publicText, type Section, tableBlock } from "./document.ts";
import type { SetFindings } from "./findings.ts";
import type { Recorded } from "./recorded.ts";

/** Sentences about damage, unfinished stages, unlike versions, devices, sandboxes and limits, and what the machinery broke. */
export function warningsOf(recorded: Recorded, sets: readonly SetFindings[]): string[] {
  const { damage, record, trainings } = recorded;
  const { stages } = record;
  const unfinished = stages.filter(({ state }) => state !== "done");
  const lacking = [
    ...new Set(
      sets.flatMap(({ units }) =>
        units.flatMap(({ lacking: why, part }) => (why === null ? [] : [`${part.label} (${why})`])),
      ),
    ),
  ];
  const versions = [...new Set(stages.filter(({ state }) => state === "done").map(({ sekft }) => sekft))];
  const tiers = [
    ...new Set(
      trainings.flatMap(({ manifest }) =>
        manifest === undefined
          ? []
          : `${String(manifest.tier)} on ${isObject(manifest.device) ? String(manifest.device.name) : "an unknown device"}`,
      ),
    ),
  ];
  const broken = sets.flatMap(({ units }) => units).filter(({ result }) => result.errors > 0);
  return [
    ...damage.map((what) => `Damaged, the rest is shown: ${what}`),
    ...(unfinished.length > 0
      ? [`Unfinished stages: ${unfinished.map(({ id, state }) => `${id} (${state})`).join(", ")}.`]
      : []),
    ...(lacking.length > 0 ? [`The eval is not whole: ${lacking.join(", ")}.`] : []),
    ...(versions.length > 1
      ? [
          `Stages were made by different versions: ${versions
            .map(
              (version) =>
                `${version} (${stages
                  .filter(({ sekft, state }) => sekft === version && state === "done")
                  .map(({ id }) => id)
                  .join(", ")})`,
            )
            .join("; ")}.`,
        ]
      : []),
    ...(tiers.length > 1
      ? [`Adapters were trained by different kernels or devices: ${tiers.join("; ")}.`]
      : []),
    ...sets.flatMap(({ lifts }) =>
      lifts.flatMap(({ first, second }) =>
        first.part.manifest === undefined || second.part.manifest === undefined
          ? []
          : unlike(
              [first.part.label, second.part.label],
              manifestDifferences(first.part.manifest, second.part.manifest),
              // What an arm is for is no fault of the comparison.
              record.spec.arms[second.part.arm]!,
              record.spec.arms[first.part.arm]!,
            ),
      ),
    ),
    ...(broken.length > 0
      ? [
          `Not scored, because the machinery failed: ${broken.map(({ part, result }) => `${part.label} ${result.errors}`).join(", ")}.`,
        ]
      : []),
  ].map(publicText);
}

interface Treatment {
  readonly prime: string | null;
  readonly terminals: unknown;
  readonly scenarios: readonly string[];
}

function unlike(
  [first, second]: readonly [string, string],
  differences: readonly Difference[],
  own: Treatment,
  other: Treatment,
): string[] {
  const meant = ({ what }: Difference) =>
    /^arms(\.|$)/.test(what) ||
    (what === "prime" && own.prime !== other.prime) ||
    (what === "terminals" && JSON.stringify(own.terminals) !== JSON.stringify(other.terminals)) ||
    (what === "scenarios" && JSON.stringify(own.scenarios) !== JSON.stringify(other.scenarios));
  const left = differences.filter((difference) => !meant(difference));
  if (left.length === 0) return [];
  return [
    `${first} and ${second} were not measured alike: ${left.map(({ what, first: one, second: two }) => `${what} ${show(one)} and ${show(two)}`).join(", ")}.`,
  ];
}

/** Versions, hashes, models, settings, and the command. */
export function provenanceSection({ record, evals, trainings }: Recorded): Section {
  const { spec } = record;
  const manifests = evals.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest]));
  const each = (of: (manifest: (typeof manifests)[number]) => string) =>
    [...new Set(manifests.map(of))].join("; ") || "no eval has begun";
  const pairs = (values: object) =>
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`)
      .join(", ");
  const rows = [
    ["sekft", record.sekft],
    ["hash of the experiment's file, settled", record.spec_sha256],
    ...Object.entries(spec.bases).map(([name, path]) => [`base ${name}`, publicText(path)]),
    ["sandbox", each(({ sandbox }) => `${sandbox.provider} ${sandbox.version}, ${sandbox.image}`)],
    ["sampling", each(({ sampling }) => pairs(sampling))],
    ["limits of a session", each(({ limits }) => pairs(limits))],
    [
      "scenarios",
      each(
        ({ scenarios }) =>
          `${scenarios.length} of ${[...new Set(scenarios.map(({ archetype }) => archetype))].sort().join(", ")}`,
      ),
    ],
    ...evals.flatMap(({ label, manifest }) =>
      manifest === undefined
        ? []
        : Object.values(manifest.arms).map((facts) => [
            `model of ${label}`,
            [
              publicText(facts.kind),
              publicText(facts.model),
              facts.base_hash && `base ${facts.base_hash}`,
              facts.adapter_hash && `adapter ${facts.adapter_hash}`,
              facts.chat_template_hash && `chat template ${facts.chat_template_hash}`,
              manifest.prime_hash && `prime ${manifest.prime_hash}`,
              manifest.terminals && `terminals ${pairs(manifest.terminals)}`,
            ]
              .filter(Boolean)
              .join(", "),
          ]),
    ),
    ...trainings.flatMap(({ label, manifest }) =>
      manifest === undefined
        ? []
        : [
            [
              `training of ${label}`,
              [
                isObject(manifest.base) &&
                  typeof manifest.base.fingerprint === "string" &&
                  `base ${manifest.base.fingerprint}`,
                isObject(manifest.data) &&
                  typeof manifest.data.sha256 === "string" &&
                  `rows ${manifest.data.sha256}`,
                typeof manifest.template === "string" && `chat template ${manifest.template}`,
                `${String(manifest.tier)} on ${isObject(manifest.device) ? String(manifest.device.name) : "an unknown device"}`,
              ]
                .filter(Boolean)
                .join(", "),
            ],
          ],
    ),
  ];
  const inputs = record.stages.flatMap(({ id, inputs: own = {}, outputs = {} }) => [
    ...Object.entries(own).map(([what, hash]) => [id, `from ${publicText(what)}`, hash]),
    ...Object.entries(outputs).map(([what, hash]) => [id, `made ${publicText(what)}`, hash]),
  ]);
  return {
    title: "How to repeat it",
    blocks: [
      { kind: "code", text: "sekft experiment run experiment.yaml --out DIR\nsekft experiment report DIR" },
      ...tableBlock(["what", "value"], rows, 2),
      { kind: "heading", text: "Hashes of what each stage read and made" },
      ...tableBlock(["stage", "what", "SHA-256"], inputs, 3),
    ],
  };
}
