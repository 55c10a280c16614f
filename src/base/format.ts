// Numbers, sizes, times and tables as people read them. Machines get --json instead.

/** Binary units with three significant digits: `512 B`, `1.50 KiB`, `12.3 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (Math.abs(value) >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** `850 ms`, `12.3 s`, `3m 05s`, `2h 07m`, `3d 04h`; `?` for what is not a number yet. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${two((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86400)}d ${two((whole % 86400) / 3600)}h`;
}

/** A count with separators: `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `digits` significant digits, without an exponent between 1e-4 and 1e6: `0.0123`, `1.25e-7`. */
export function formatNumber(value: number, digits = 3): string {
  const size = Math.abs(value);
  if (value === 0 || !Number.isFinite(value)) return String(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(digits - 1);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toFixed(decimals);
}

/** `12.5 %` of a share from 0 to 1; `-` when there is nothing to have a share of. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** How a column of {@link formatTable} is set. */
export interface Column {
  readonly title: string;
  /** Numbers read best aligned right. */
  readonly align?: "left" | "right";
}

/** Lines of a table with two spaces between columns. When it is wider than `width`, the widest left-aligned column
 *  is cut with an ellipsis. Colour codes in cells take no room. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => Bun.stringWidth(row[i] ?? ""))));
  const total = widths.reduce((sum, one) => sum + one, 2 * (columns.length - 1));
  const left = widths.flatMap((one, i) => (columns[i]!.align === "right" ? [] : [{ one, i }]));
  const widest = left.sort((a, b) => b.one - a.one)[0];
  if (total > width && widest) widths[widest.i] = Math.max(4, widest.one - (total - width));
  return all.map((row) =>
    columns
      .map(({ align }, i) => {
        const cell = cut(row[i] ?? "", widths[i]!);
        const gap = " ".repeat(Math.max(0, widths[i]! - Bun.stringWidth(cell)));
        return align === "right" ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** `text` in at most `width` columns, with an ellipsis when something was left out. */
export function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(Bun.stripANSI(text))) {
    if (Bun.stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
