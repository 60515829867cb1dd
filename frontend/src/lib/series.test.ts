import { describe, expect, it } from "vitest";
import { meanOf, mostOf, pathsOf, runsOf } from "./series";

describe("runsOf", () => {
  it("parts the values where nothing was measured", () => {
    expect(runsOf([1, 2, null, 0, null, null, 5])).toEqual([
      { start: 0, run: [1, 2] },
      { start: 3, run: [0] },
      { start: 6, run: [5] },
    ]);
    expect(runsOf([null, null])).toEqual([]);
  });
});

describe("pathsOf", () => {
  it("draws each run by itself, and nothing across a gap", () => {
    const { line, area, ground } = pathsOf([100, 50, null, 0], 40, 10);
    expect(line).toBe("M0 0H10L10 5H20M30 10H40");
    expect(area).toBe("M0 10L0 0H10L10 5H20V10ZM30 10L30 10H40V10Z");
    expect(ground).toBe("M0 0H20V10H0ZM30 0H40V10H30Z");
  });

  it("stays inside, whatever was measured", () => {
    expect(pathsOf([140, -3], 2, 10).line).toBe("M0 0H1L1 10H2");
    expect(pathsOf([], 10, 10)).toEqual({ line: "", area: "", ground: "" });
  });
});

describe("sums", () => {
  it("are over what was measured alone", () => {
    expect(meanOf([10, null, 20])).toBe(15);
    expect(mostOf([10, null, 20])).toBe(20);
    expect(meanOf([null])).toBeNull();
    expect(mostOf([])).toBeNull();
  });
});
