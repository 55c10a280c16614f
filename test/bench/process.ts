// A command as a whole process: wall time, CPU time and peak memory, one JSON line.
// bun test/bench/process.ts --what NAME [--peer sekft] [--reps 5] -- COMMAND ARG...
import { emit, flag, round, spread } from "./meter.ts";

const command = process.argv.slice(process.argv.indexOf("--") + 1);
const times: number[] = [];
const cpu: number[] = [];
let peakBytes = 0;
for (let i = 0; i < Number(flag("reps", "5")); i++) {
  const start = performance.now();
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
  const code = await child.exited;
  if (code !== 0) throw new Error(`${command.join(" ")}: exit code ${code}`);
  times.push(performance.now() - start);
  const usage = child.resourceUsage()!;
  cpu.push(Number(usage.cpuTime.total) / 1000);
  peakBytes = Math.max(peakBytes, usage.maxRSS);
}
emit({
  peer: flag("peer", "sekft"),
  what: flag("what", command[0]!),
  ms: spread(times),
  cpu_ms: spread(cpu),
  peak_mb: round(peakBytes / 1e6),
});
