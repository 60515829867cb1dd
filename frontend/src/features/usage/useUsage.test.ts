import { describe, expect, it } from "vitest";
import { boundsOf, gapHours, usageFromSearch } from "./useUsage";

describe("the time that is asked for", () => {
  it("ends with a whole minute", () => {
    const now = Date.parse("2026-01-08T12:34:56.789Z");
    expect(boundsOf("24h", now)).toEqual({ from: "2026-01-07T12:34:00Z", to: "2026-01-08T12:34:00Z" });
    expect(boundsOf("7d", now).from).toBe("2026-01-01T12:34:00Z");
  });

  it("and what is counted stand in the URL, a week by user where it says nothing that there is", () => {
    expect(usageFromSearch(new URLSearchParams("by=type&range=30d"))).toEqual({ by: "type", range: "30d" });
    expect(usageFromSearch(new URLSearchParams("by=colour&range=1y"))).toEqual({ by: "user", range: "7d" });
  });
});

describe("gapHours", () => {
  it("adds them up", () => {
    const gap = (from: string, to: string) => ({ from: `2026-01-01T${from}Z`, to: `2026-01-01T${to}Z` });
    expect(gapHours([gap("00:00:00", "01:30:00"), gap("02:00:00", "02:30:00")])).toBe(2);
    expect(gapHours([])).toBe(0);
  });
});
