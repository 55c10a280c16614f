// Parts of a log.

import type { Seat } from "../seat.ts";
import { holds, isNumber, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** Lines, hosts, counts or one day out of a log of DATE LEVEL HOST MESSAGE. */
export function logExtract(seat: Seat): Work {
  const { rng } = seat;
  const log = `${rng.pick(["/var/log", "/var/log", "/srv/logs", `${seat.home}/logs`])}/${seat.name()}.log`;
  const path = `${seat.home}/${seat.word()}.${rng.pick(["txt", "out", "lines"])}`;
  const out = seat.spelled(path);
  const shown = seat.spelled(log);
  const [level, other] = rng.shuffle(["ERROR", "WARN", "FATAL"]) as [string, string];
  const hosts = seat.take(3);
  const count = rng.int(6, 8 + 3 * seat.difficulty);
  const days = Array.from({ length: count }, () => rng.int(1, 28)).sort((a, b) => a - b);
  const rows = days.map((day, i) => ({
    date: `2026-10-${String(day).padStart(2, "0")}`,
    level: i === 1 || i === 4 ? level : rng.pick(["INFO", "INFO", level, other]),
    host: i === 1 ? hosts[0]! : i === 4 ? hosts[1]! : rng.pick(hosts),
    message: rng.pick(["disk full", "timeout", "started", "denied", "link down", "retry later", "closed"]),
  }));
  const line = (row: (typeof rows)[number]): string => `${row.date} ${row.level} ${row.host} ${row.message}`;
  const content = text(rows.map(line));
  const chosen = rows.filter((row) => row.level === level);
  const form = `${shown} has lines DATE LEVEL HOST MESSAGE.`;
  const work = (
    variant: string,
    directives: readonly string[],
    check: string,
    commands: readonly string[],
  ): Work => ({
    variant,
    directive: rng.pick(directives),
    dirs: [],
    fixtures: [{ path: log, content }],
    checks: [check],
    solutions: commands.map((command, i) =>
      steps(...(i === 0 ? [`? head -n 3 ${log}`] : []), `${command} > ${out}`, `= cat ${out}`),
    ),
    look: [`head -n 3 ${log}`, `tail -n 2 ${log}`, `wc -l ${log}`, `grep -c ${level} ${log}`],
    verify: [`cat ${out}`, `wc -l ${out}`, `ls -l ${out}`, `stat -c '%a %s %n' ${out}`],
    slips: [`cat ${out}`, `head ${log}s`],
    terminal: "exit",
  });
  const kind = rng.pick(["lines", "hosts", "last", "first", "count", "messages", "day"]);
  if (kind === "lines")
    return work(
      kind,
      [
        `Copy every ${level} line of ${shown} to ${out}, in the same order.`,
        `${out} must hold the ${level} lines of ${shown} and no others, unchanged and in order.`,
        `Pick the lines of level ${level} out of ${shown}; write them as they are to ${out}.`,
      ],
      holds(path, text(chosen.map(line))),
      [`grep ' ${level} ' ${log}`, `awk '$2 == "${level}"' ${log}`, `sed -n '/ ${level} /p' ${log}`],
    );
  if (kind === "hosts")
    return work(
      kind,
      [
        `${form} Write the hosts that have a ${level} line to ${out}, sorted, each once.`,
        `${form} Which hosts wrote ${level} lines? List them in ${out}, one a line, in alphabetical order, none twice.`,
      ],
      holds(path, text([...new Set(chosen.map((row) => row.host))].sort())),
      [
        `awk '$2 == "${level}" {print $3}' ${log} | sort -u`,
        `grep ' ${level} ' ${log} | cut -d' ' -f3 | sort | uniq`,
      ],
    );
  if (kind === "last" || kind === "first") {
    const wanted = kind === "last" ? chosen.at(-1)! : chosen[0]!;
    const [cut, awk] =
      kind === "last"
        ? ["tail -n 1", `awk '$2 == "${level}" {l = $0} END {print l}' ${log}`]
        : ["head -n 1", `awk '$2 == "${level}" {print; exit}' ${log}`];
    return work(
      kind,
      [
        `Write the ${kind} ${level} line of ${shown} to ${out}.`,
        `${out} must hold one line: the ${kind} one of level ${level} in ${shown}.`,
      ],
      holds(path, text([line(wanted)])),
      [`grep ' ${level} ' ${log} | ${cut}`, awk],
    );
  }
  if (kind === "count")
    return work(
      kind,
      [
        `Count the ${level} lines of ${shown} and write the number, alone, to ${out}.`,
        `${form} How many lines are of level ${level}? Put only the number into ${out}.`,
      ],
      isNumber(path, chosen.length),
      [`grep -c ' ${level} ' ${log}`, `awk '$2 == "${level}"' ${log} | wc -l`],
    );
  if (kind === "messages")
    return work(
      kind,
      [
        `${form} Write the messages of the ${level} lines, without date, level and host, to ${out}, in the same order.`,
        `${form} A message may have several words. ${out} must hold just the messages of level ${level}, a line each, in order.`,
      ],
      holds(path, text(chosen.map((row) => row.message))),
      [`grep ' ${level} ' ${log} | cut -d' ' -f4-`, `sed -n 's/^[^ ]* ${level} [^ ]* //p' ${log}`],
    );
  const { date } = rng.pick(rows);
  return work(
    kind,
    [
      `Copy all lines of ${date} from ${shown} to ${out}, in the same order.`,
      `${form} ${out} must hold the lines of the day ${date}, unchanged, and no others.`,
    ],
    holds(path, text(rows.filter((row) => row.date === date).map(line))),
    [`grep '^${date}' ${log}`, `awk '$1 == "${date}"' ${log}`],
  );
}
