// `sekft inspect adapter`: what a PEFT LoRA directory holds, and whether it fits a base.

import { defineCommand } from "../base/command.ts";
import { UserError } from "../base/errors.ts";

export const inspectAdapter = defineCommand({
  name: "inspect adapter",
  summary: "Shows an adapter's settings, ranks, scales and norms, and whether it fits a base",
  description:
    "Reads a PEFT LoRA directory. Without --base the scale of a module is not known where patterns set it.",
  options: {
    adapter: { type: "string", value: "DIR", help: "PEFT LoRA directory" },
    base: { type: "string", value: "DIR|FILE", help: "base model to check the adapter against" },
  },
  examples: [
    { line: "sekft inspect adapter --adapter ./ckpt", does: "shows every adapted module" },
    {
      line: "sekft inspect adapter --adapter ./ckpt --base ./SmolLM2-135M-Instruct",
      does: "also checks that it fits",
    },
  ],
  async run(options, terminal) {
    if (options.adapter === undefined)
      throw new UserError("inspect adapter: expected --adapter DIR, got nothing", {
        hint: "name a PEFT LoRA directory",
      });
    const { checkAdapterFits, readAdapter } = await import("../formats/peft-adapter.ts");
    const { describeAdapter } = await import("../formats/describe-adapter.ts");
    const { formatCount, formatNumber, formatTable } = await import("../base/format.ts");
    const { showLayers } = await import("../formats/layer-list.ts");
    const adapter = readAdapter(options.adapter);
    const { config } = adapter;
    const { modules, parameters } = describeAdapter(adapter);
    let scales: ReadonlyMap<string, number> | undefined;
    if (options.base !== undefined) {
      const { openBase } = await import("../formats/base-weights.ts");
      using base = openBase(options.base);
      scales = new Map(
        checkAdapterFits(adapter, options.adapter, base.config).map(({ module, scale }) => [module, scale]),
      );
    } else if (Object.keys({ ...config.rankPattern, ...config.alphaPattern }).length === 0) {
      const scale = config.alpha / (config.useRslora ? Math.sqrt(config.r) : config.r);
      scales = new Map(modules.map(({ module }) => [module, scale]));
    }
    const listed = modules.map((one) => ({ ...one, scale: scales?.get(one.module) }));
    if (terminal.json) {
      const fits = options.base === undefined ? undefined : true;
      terminal.out(
        JSON.stringify({
          path: options.adapter,
          config,
          parameters,
          modules: listed,
          base: options.base,
          fits,
        }),
      );
      return;
    }
    const line = (title: string, value: string) => terminal.out(`${title.padEnd(13)} ${value}`);
    const targets = config.targetModules;
    line("adapter", options.adapter);
    line("trained on", config.baseModel ?? "not said");
    line(
      "lora",
      `r ${config.r}, alpha ${config.alpha}, dropout ${config.dropout}${config.useRslora ? ", rank-stabilised" : ""}`,
    );
    line("targets", typeof targets === "string" ? targets : targets.join(" "));
    if (config.layersToTransform !== undefined) line("layers", showLayers(config.layersToTransform));
    for (const [title, pattern] of [
      ["rank pattern", config.rankPattern] as const,
      ["alpha pattern", config.alphaPattern] as const,
    ])
      if (Object.keys(pattern).length > 0)
        line(
          title,
          Object.entries(pattern)
            .map(([key, value]) => `${key}=${value}`)
            .join(" "),
        );
    line("parameters", `${formatCount(parameters)} in ${modules.length} modules`);
    if (options.base !== undefined) line("fits", options.base);
    terminal.out("");
    const right = { align: "right" } as const;
    for (const row of formatTable(
      [
        { title: "module" },
        { title: "in", ...right },
        { title: "out", ...right },
        { title: "r", ...right },
        { title: "scale", ...right },
        { title: "|A|", ...right },
        { title: "|B|", ...right },
      ],
      listed.map(({ module, inFeatures, outFeatures, r, scale, normA, normB }) => [
        module,
        String(inFeatures),
        String(outFeatures),
        String(r),
        scale === undefined ? "?" : formatNumber(scale, 4),
        formatNumber(normA, 4),
        formatNumber(normB, 4),
      ]),
      terminal.columns,
    ))
      terminal.out(row);
  },
});
