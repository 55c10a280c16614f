// CPU time the way the peers measure it. npm webgpu polls on the main thread while it waits, so the kernels' time on a software
// driver is that of all other threads; with LP_NUM_THREADS=1 it repeats within about 5 % on a busy machine, wall time does not.
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";

/** Milliseconds: wall, all threads but the main one, all threads. */
export interface Reading {
  readonly ms: number;
  readonly offMain: number;
  readonly cpu: number;
}

const mainMs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Starts a stopwatch; calling it reads it. */
export function meter(): () => Reading {
  const [main, cpu, start] = [mainMs(), cpuMs(), performance.now()];
  return () => {
    const all = cpuMs() - cpu;
    return { ms: performance.now() - start, offMain: all - (mainMs() - main), cpu: all };
  };
}

export const round = (value: number) => Math.round(value * 100) / 100;

/** Median, least and most of some readings. */
export function spread(values: readonly number[]): { median: number; min: number; max: number; n: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median: round(median), min: round(sorted[0]!), max: round(sorted.at(-1)!), n: sorted.length };
}

/** One JSON line on stdout, with what the machine was doing. */
export function emit(figure: Readonly<Record<string, unknown>>): void {
  console.log(
    JSON.stringify({
      peer: "sekft",
      ...figure,
      runtime: `bun ${Bun.version}`,
      lp_threads: process.env.LP_NUM_THREADS ?? "default",
      load1: round(loadavg()[0]!),
      at: new Date().toISOString(),
    }),
  );
}

/** Value of `--name` on the command line. */
export function flag(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1]!;
}
