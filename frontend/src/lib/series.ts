/** Values over a time, with gaps where nothing was measured: a gap is never drawn as zero. */

export type Values = readonly (number | null)[];

/** Runs of measured values: where each begins, and what is in it. */
export function runsOf(values: Values): { start: number; run: number[] }[] {
  const runs: { start: number; run: number[] }[] = [];
  values.forEach((value, index) => {
    if (value === null) {
      return;
    }
    const last = runs.at(-1);
    if (last && last.start + last.run.length === index) {
      last.run.push(value);
    } else {
      runs.push({ start: index, run: [value] });
    }
  });
  return runs;
}

export interface Paths {
  line: string;
  /** Under the line. */
  area: string;
  /** All of the time in which something was measured. */
  ground: string;
}

/** SVG paths of a percentage over a time. A step has a width of its own. */
export function pathsOf(values: Values, width: number, height: number): Paths {
  const step = values.length > 0 ? width / values.length : 0;
  const x = (index: number) => round(index * step);
  const y = (percent: number) => round(height - (Math.min(100, Math.max(0, percent)) / 100) * height);
  const paths: Paths = { line: "", area: "", ground: "" };
  for (const { start, run } of runsOf(values)) {
    const points = run
      .map((percent, nth) => `${x(start + nth)} ${y(percent)}H${x(start + nth + 1)}`)
      .join("L");
    paths.line += `M${points}`;
    paths.area += `M${x(start)} ${height}L${points}V${height}Z`;
    paths.ground += `M${x(start)} 0H${x(start + run.length)}V${height}H${x(start)}Z`;
  }
  return paths;
}

export function meanOf(values: Values): number | null {
  const measured = values.filter((value) => value !== null);
  return measured.length === 0 ? null : measured.reduce((sum, value) => sum + value, 0) / measured.length;
}

export function mostOf(values: Values): number | null {
  const measured = values.filter((value) => value !== null);
  return measured.length === 0 ? null : Math.max(...measured);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
