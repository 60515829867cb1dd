import { describe, expect, test } from "vitest";
import { asCaller, isDark } from "./surroundings";

const PAGE = {
  href: "https://genet.test/api/docs?user=alice",
  search: "?user=alice",
  origin: "https://genet.test",
};

describe("colours", () => {
  test.each([
    [null, true, true],
    [null, false, false],
    ["auto", true, true],
    ["light", true, false],
    ["dark", false, true],
    ["nonsense", false, false],
  ])("%s was chosen and %s is preferred", (chosen, preferred, dark) => {
    expect(isDark({ getItem: () => chosen }, preferred)).toBe(dark);
  });
});

describe("who calls", () => {
  test("the user of dev mode is carried on", () => {
    expect(asCaller("/api/pods?all=true", PAGE)).toBe("https://genet.test/api/pods?all=true&user=alice");
  });

  test("nobody is carried where nobody is named", () => {
    expect(asCaller("/api/pods", { ...PAGE, search: "" })).toBe("https://genet.test/api/pods");
  });

  test("other servers are told nothing", () => {
    expect(asCaller("https://elsewhere.test/x", PAGE)).toBe("https://elsewhere.test/x");
  });
});
