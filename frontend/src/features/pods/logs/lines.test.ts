import { describe, expect, it } from "vitest";
import { MOST_LINES, NO_LINES, plainLine, withLines } from "./lines";

describe("a line of a log", () => {
  it.each([
    ["plain", "plain"],
    ["\x1b[1;31mred\x1b[0m end", "red end"],
    ["\x1b]0;title\x07text", "text"],
    ["10%\r 50%\r100%", "100%"],
    ["100%\r", "100%"],
    ["ends\r\r", "ends"],
    ["\x1b[2K\rdone", "done"],
  ])("%j is read as %j", (line, shown) => {
    expect(plainLine(line)).toBe(shown);
  });
});

describe("the lines of a log", () => {
  it("are kept up to a bound, and the oldest go first", () => {
    const first = withLines(
      NO_LINES,
      Array.from({ length: MOST_LINES }, (_, index) => `${index}`),
    );
    expect(first.dropped).toBe(0);
    const then = withLines(first, ["a", "b"]);
    expect(then.kept).toHaveLength(MOST_LINES);
    expect(then.kept[0]).toBe("2");
    expect(then.kept.at(-1)).toBe("b");
    expect(then.dropped).toBe(2);
  });
});
