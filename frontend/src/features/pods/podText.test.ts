import { describe, expect, it } from "vitest";
import { extendSteps, shortImage, statusTone } from "./podText";

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

describe("shortImage", () => {
  it.each([
    ["registry.example/team/pytorch:2.4", "pytorch:2.4"],
    ["ubuntu", "ubuntu"],
    ["a/b@sha256:0123456789abcdef", "b@01234567"],
  ])("of %s is %s", (image, short) => {
    expect(shortImage(image)).toBe(short);
  });
});
