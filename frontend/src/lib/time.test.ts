import { describe, expect, it } from "vitest";
import { en } from "../i18n/en";
import { zhCN } from "../i18n/zh-CN";
import { formatClock, formatMoment, formatMomentInTable, timeLeft, urgency } from "./time";

const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("time left", () => {
  it.each([
    ["2026-03-03T13:59:59Z", "2 d 1 h", "2 天 1 小时", "later"],
    ["2026-03-01T23:00:00Z", "11 h 0 min", "11 小时 0 分钟", "later"],
    ["2026-03-01T17:30:00Z", "5 h 30 min", "5 小时 30 分钟", "today"],
    ["2026-03-01T12:59:59Z", "59 min", "59 分钟", "soon"],
    ["2026-03-01T12:00:30Z", "under a minute", "不到一分钟", "soon"],
    ["2026-03-01T12:00:00Z", "due now", "已到期", "soon"],
    ["2026-02-01T00:00:00Z", "due now", "已到期", "soon"],
  ])("until %s is %s", (until, english, chinese, level) => {
    const left = timeLeft(until, NOW);
    expect(en.pods.left(left)).toBe(english);
    expect(zhCN.pods.left(left)).toBe(chinese);
    expect(urgency(left)).toBe(level);
  });
});

describe("a moment", () => {
  // The zone of the machine that tests is whatever it is; its name is asked for in the same way.
  const zone = (locale: string) =>
    new Intl.DateTimeFormat(locale, { timeZoneName: "short" })
      .formatToParts(new Date("2026-03-03T12:00:00Z"))
      .find(({ type }) => type === "timeZoneName")?.value as string;

  it.each(["en", "zh-CN"])("names its zone in %s, as clocks do", (locale) => {
    expect(formatMoment("2026-03-03T12:00:00Z", locale, NOW)).toContain(zone(locale));
    expect(formatClock("2026-03-03T12:00:00Z", locale)).toContain(zone(locale));
    expect(formatMomentInTable("2026-03-03T12:00:00Z", locale, NOW)).not.toContain(zone(locale));
  });

  it("names its year only when that is not the present one", () => {
    expect(formatMoment("2026-06-03T12:00:00Z", "en", NOW)).not.toContain("2026");
    expect(formatMoment("2027-06-03T12:00:00Z", "en", NOW)).toContain("2027");
  });
});
