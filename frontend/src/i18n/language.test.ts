import { describe, expect, it } from "vitest";
import { preferredLocale } from "./language";

describe("preferredLocale", () => {
  it.each([
    [null, ["zh-TW", "en"], "zh-CN"],
    [null, ["de", "en-GB", "zh"], "en"],
    [null, ["fr"], "en"],
    ["zh-CN", ["en"], "zh-CN"],
    ["klingon", ["zh"], "zh-CN"],
  ])("of choice %j and wishes %j is %s", (stored, wished, locale) => {
    expect(preferredLocale(stored, wished)).toBe(locale);
  });
});
