// An examination as lines of text.

import { formatBytes, formatTable } from "../base/format.ts";
import type { AdapterFacts } from "../gpu/facts.ts";
import type { Examination } from "./examine.ts";
import type { MachineFacts, SandboxFact } from "./machine.ts";

const line = (title: string, value: string) => `${title.padEnd(13)} ${value}`;

/** Lines for the terminal; problems last, where they are seen. */
export function examinationLines(examination: Examination, columns: number): string[] {
  const { machine, adapter, tier, tiers, budgetBytes, problems } = examination;
  const verdicts = tiers.map((verdict) => [
    verdict.tier === tier ? `${verdict.tier} *` : verdict.tier,
    verdict.able ? "can run" : "cannot",
    verdict.reason,
  ]);
  return [
    ...(adapter ? adapterLines(adapter) : [line("adapter", "none")]),
    ...(adapter
      ? ["", ...formatTable([{ title: "tier" }, { title: "" }, { title: "* = used" }], verdicts, columns), ""]
      : []),
    line(
      "memory",
      budgetBytes === undefined
        ? "of the device: unknown (plan with --memory-limit)"
        : `${formatBytes(budgetBytes)} of the device can be planned with`,
    ),
    ...machineLines(machine),
    "",
    ...(problems.length === 0 ? ["no problems found"] : []),
    ...problems.flatMap(({ severity, what, remedy }) => [`${severity}: ${what}`, `  do: ${remedy}`]),
  ];
}

function adapterLines(facts: AdapterFacts): string[] {
  const has = (present: boolean, name: string) => (present ? [name] : []);
  const features = [
    ...has(facts.f16, "f16"),
    ...has(
      facts.subgroups,
      facts.subgroupMin === facts.subgroupMax
        ? `subgroups of ${facts.subgroupMin}`
        : `subgroups of ${facts.subgroupMin} to ${facts.subgroupMax}`,
    ),
    ...has(facts.timestamps, "timestamps"),
    ...has(facts.matrix.length > 0, "subgroup matrices"),
  ];
  return [
    line("adapter", `${facts.name}${facts.software ? " (CPU)" : ""}`),
    line("vendor", [facts.vendor, facts.architecture].filter(Boolean).join(" ")),
    line("driver", facts.driver || "unknown"),
    line("features", features.join(", ") || "none"),
    line(
      "limits",
      `binding ${formatBytes(facts.maxBindingBytes)}, buffer ${formatBytes(facts.maxBufferBytes)}, workgroup memory ${formatBytes(facts.maxWorkgroupBytes)}, ${facts.maxWorkgroupSize} threads`,
    ),
    line(
      "matrices",
      facts.matrix
        .map(({ m, n, k, component, result }) => `${m}x${n}x${k} ${component} -> ${result}`)
        .join(", ") || "none",
    ),
  ];
}

function machineLines(machine: MachineFacts): string[] {
  const { versions } = machine;
  const sandbox = (name: string, fact: SandboxFact) =>
    line("sandbox", "problem" in fact ? fact.problem : `${name} ${fact.version} (${fact.detail})`);
  return [
    line(
      "machine",
      `${machine.platform}, ${machine.cores} cores, ${machine.cpu}${machine.container ? ", in a container" : ""}`,
    ),
    line(
      "host memory",
      `${formatBytes(machine.freeMemoryBytes)} free of ${formatBytes(machine.memoryBytes)}`,
    ),
    line("disk", `${formatBytes(machine.freeDiskBytes)} free here`),
    sandbox("docker", machine.sandboxes.docker),
    sandbox("bubblewrap", machine.sandboxes.bubblewrap),
    line("drivers", machine.vulkanDrivers.join(", ") || "no Vulkan driver manifests found"),
    line(
      "versions",
      `sekft ${versions.sekft} (${versions.commit}), Bun ${versions.bun}, Dawn of webgpu ${versions.dawn}`,
    ),
  ];
}
