import { describe, expect, it } from "vitest";
import { STATES } from "../model";
import { DARK, LIGHT } from "./palette";

/** OKLab of "#rrggbb", after Ottosson's definition of the space. */
function oklab(colour: string): [number, number, number] {
  const [r, g, b] = linear(colour);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function linear(colour: string): [number, number, number] {
  const channel = (from: number) => {
    const value = Number.parseInt(colour.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function distance(one: string, other: string): number {
  const [a, b] = [oklab(one), oklab(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** WCAG contrast ratio. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [r, g, b] = linear(colour);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

describe.each([
  ["light", LIGHT],
  ["dark", DARK],
])("the %s palette", (_, { states, surface, text, muted, warning, mine, ramp, track }) => {
  const pairs = STATES.flatMap((one, at) => STATES.slice(at + 1).map((other) => [one, other] as const));

  it.each(pairs)("tells %s from %s", (one, other) => {
    expect(distance(states[one].fill, states[other].fill)).toBeGreaterThan(0.1);
  });

  it.each(STATES)("shows %s's mark on its square", (state) => {
    expect(distance(states[state].fill, states[state].mark)).toBeGreaterThan(0.1);
  });

  it("shows free in green and used in red", () => {
    const [, freeA] = oklab(states.free.fill);
    const [, usedA] = oklab(states.used.mark);
    expect(freeA).toBeLessThan(-0.08);
    expect(usedA).toBeGreaterThan(0.12);
  });

  it("goes from little to much in one direction, away from the empty part", () => {
    const lightness = [track, ...ramp].map((colour) => oklab(colour)[0]);
    const steps = lightness.slice(1).map((value, nth) => value - (lightness[nth] ?? 0));
    expect(new Set(steps.map(Math.sign)).size).toBe(1);
    expect(Math.min(...steps.map(Math.abs))).toBeGreaterThan(0.05);
  });

  it("can be read", () => {
    for (const colour of [text, muted, warning, mine]) {
      expect(contrast(colour, surface)).toBeGreaterThanOrEqual(4.5);
    }
  });
});
