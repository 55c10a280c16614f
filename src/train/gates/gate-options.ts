// The options of a run that measures itself: what is run every so many steps, and what stops it.

const group = "Windows and gates";

export const gateOptions = {
  windows: {
    type: "string",
    map: true,
    value: "MAP",
    group,
    help: "{every: steps, suites: {...}}: benchmarks, probes and evals of the adapter while it is trained; see docs/gates.md",
  },
  gates: {
    type: "string",
    map: true,
    value: "MAP",
    group,
    help: "{stop_when: [rules]}: rules over the windows' figures that stop the run; see docs/gates.md",
  },
} as const;
