/** What a program printed, as lines of plain text. */

/** Lines that are kept; older ones are forgotten, and said to be. */
export const MOST_LINES = 5_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for
const CONTROL_SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])/g;

/** Without colours, and with a line that was drawn over several times (a progress bar) as it was drawn last. */
export function plainLine(line: string): string {
  const text = line.replace(CONTROL_SEQUENCE, "");
  const drawn = text.replace(/\r+$/, "");
  return drawn.slice(drawn.lastIndexOf("\r") + 1);
}

export interface Lines {
  readonly kept: readonly string[];
  /** How many were forgotten. */
  readonly dropped: number;
}

export const NO_LINES: Lines = { kept: [], dropped: 0 };

export function withLines({ kept, dropped }: Lines, more: readonly string[]): Lines {
  const all = [...kept, ...more];
  const excess = Math.max(0, all.length - MOST_LINES);
  return { kept: excess > 0 ? all.slice(excess) : all, dropped: dropped + excess };
}
