import { describe, expect, it } from "vitest";
import { extendSteps, nextStep, shortImage, statusParts, statusTone } from "./podText";

describe("statusTone", () => {
  it.each([
    ["Running", "good"],
    ["Pending", "moving"],
    ["Init:0/1", "moving"],
    ["Restarting", "moving"],
    ["Terminating", "ended"],
    ["Init:CrashLoopBackOff", "bad"],
    ["ImagePullBackOff", "bad"],
    ["SomethingNew", "bad"],
  ] as const)("of %s is %s", (status, tone) => {
    expect(statusTone(status)).toBe(tone);
  });
});

describe("extendSteps", () => {
  it("never offers more than is allowed, and the whole of it", () => {
    expect(extendSteps(72)).toEqual([4, 12, 24, 72]);
    expect(extendSteps(100)).toEqual([4, 12, 24, 72, 100]);
    expect(extendSteps(2)).toEqual([2]);
  });
});

describe("nextStep", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  it.each([
    [[4, 12, 24, 72], null, 24],
    [[4, 12, 24, 72], "2026-02-01T00:00:00Z", 24],
    [[4, 12, 24, 72], "2026-03-02T11:00:00Z", 24],
    [[4, 12, 24, 72], "2026-03-02T11:59:00Z", 72],
    [[4, 12, 24, 72], "2026-03-02T12:30:00Z", 72],
    [[4, 12, 24, 72], "2026-03-04T12:00:00Z", 72],
    [[4, 8], null, 8],
  ])("of %j, when kept until %s, is %s hours", (steps, until, hours) => {
    expect(nextStep(steps, until, now)).toBe(hours);
  });
});

describe("statusParts", () => {
  it.each([
    ["Running", ["Running"]],
    ["Init:CrashLoopBackOff", ["Init:", "Crash", "Loop", "Back", "Off"]],
    ["OOMKilled", ["OOMKilled"]],
  ])("of %s are %j", (status, parts) => {
    expect(statusParts(status)).toEqual(parts);
  });
});

describe("shortImage", () => {
  it.each([
    ["registry.example/team/pytorch:2.4", "pytorch:2.4"],
    ["ubuntu", "ubuntu"],
    ["a/b@sha256:0123456789abcdef", "b@01234567"],
  ])("of %s is %s", (image, short) => {
    expect(shortImage(image)).toBe(short);
  });
});
